// Runs one Git command to its end, within a deadline and a bound on what it may print.
import {type SimpleGit, simpleGit} from 'simple-git'
import {type GitEnvironment, gitConfiguration} from './git-environment.ts'

/** Why a command gave no answer. */
export type CommandFailureCause = 'Exit' | 'Timeout' | 'OutputTooLarge'

/** A Git command that failed; `standardError` is raw and must be classified before anybody sees it. */
export class GitCommandError extends Error {
  override readonly name = 'GitCommandError'
  readonly failureCause: CommandFailureCause
  readonly standardError: string

  constructor(failureCause: CommandFailureCause, standardError: string) {
    super(`git: ${failureCause}`)
    this.failureCause = failureCause
    this.standardError = standardError
  }
}

export interface GitCommand {
  /** The subcommand and its arguments. What a user wrote comes after `--`. */
  arguments: readonly string[]
  /** Written to standard input. */
  input?: string
  timeoutMilliseconds: number
  maximumOutputBytes: number
}

/** How long the group may take to end after the deadline, before the answer is given up. */
const killGraceMilliseconds = 3000

/**
 * Runs a command in a repository.
 * @returns standard output.
 * @throws GitCommandError when Git fails, prints too much or passes the deadline; its whole process group is gone then.
 */
export async function runGit(environment: GitEnvironment, command: GitCommand): Promise<Buffer> {
  const abort = new AbortController()
  let failure: CommandFailureCause = 'Exit'
  const stop = (cause: CommandFailureCause): void => {
    if (abort.signal.aborted) return
    failure = cause
    abort.abort()
  }
  const deadline = setTimeout(() => stop('Timeout'), command.timeoutMilliseconds)
  const git = configure(environment, command, abort.signal)
  git.outputHandler((_command, standardOutput, standardError) => {
    let bytes = 0
    const count = (chunk: Buffer): void => {
      bytes += chunk.length
      if (bytes > command.maximumOutputBytes) stop('OutputTooLarge')
    }
    standardOutput.on('data', count)
    standardError.on('data', count)
  })
  try {
    return await Promise.race([execute(git, command.arguments), giveUp(abort.signal)])
  } catch (error) {
    throw new GitCommandError(failure, error instanceof Error ? error.message : String(error))
  } finally {
    clearTimeout(deadline)
  }
}

async function execute(git: SimpleGit, commandArguments: readonly string[]): Promise<Buffer> {
  const [subcommand, ...rest] = commandArguments
  // Only this call answers bytes: contents must not pass through a string.
  if (subcommand === 'cat-file') return (await git.binaryCatFile(rest)) as Buffer
  return Buffer.from(await git.raw([...commandArguments]), 'utf8')
}

/** A child that outlives even the kill must not hold up the pass. */
function giveUp(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => {
      setTimeout(() => reject(new Error('')), killGraceMilliseconds).unref()
    })
  })
}

function configure(environment: GitEnvironment, command: GitCommand, abort: AbortSignal): SimpleGit {
  return simpleGit({
    baseDir: environment.privateDirectory,
    binary: environment.binary,
    abort,
    config: [...gitConfiguration],
    allowEnvironment: Object.keys(environment.variables),
    completion: {onClose: true, onExit: false},
    ...(command.input === undefined ? {} : {input: () => command.input}),
    // The default takes a failure without a message for success.
    errors: (error, result) => {
      if (error) return error
      return result.exitCode === 0 ? undefined : Buffer.concat(result.stdErr)
    },
    // These are our own constants; what a user wrote never becomes an option.
    unsafe: {
      allowUnsafeCustomBinary: true,
      allowUnsafeHooksPath: true,
      allowUnsafeFsMonitor: true,
      allowUnsafeCredentialHelper: true,
      allowUnsafeTemplateDir: true,
      allowUnsafeSshCommand: true,
      allowUnsafeAskPass: true,
      allowUnsafeConfigPaths: true,
    },
  }).env(environment.variables)
}
