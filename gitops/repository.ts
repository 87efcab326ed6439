// A read-only view of one branch or tag of a remote repository, over a bare clone without history in a cache folder.
// There is no work tree: nothing that a commit holds is ever written out as a file.
import {mkdir, readdir, rm, stat} from 'node:fs/promises'
import {join} from 'node:path'
import type {GitSyncSpec} from '../crds/git-sync.ts'
import {type GitCommand, GitCommandError, runGit} from './git-command.ts'
import {
  disposeEnvironment,
  type GitCredentials,
  type GitEnvironment,
  maximumPackBytes,
  prepareEnvironment,
} from './git-environment.ts'
import {classifyGitFailure, GitError, refNotFoundMessage} from './git-error.ts'
import {type GitLocation, parseLocation, parsePath, type TransportOptions} from './git-location.ts'
import {maximumTotalBytes, parseContents, parseTree, type TreeFile} from './git-tree.ts'

/** Who made a commit, and what it says. Author and subject are at most 256 characters long. */
export interface CommitInfo {
  hash: string
  /** `Name <address>`. */
  author: string
  subject: string
  /** RFC 3339, of the committer. */
  time: string
}

export interface RepositoryOptions extends TransportOptions {
  url: string
  ref: GitSyncSpec['ref']
  /** Folder for this repository alone, made where it is missing; only one Repository at a time may use it. */
  cacheDirectory: string
  /** Longest time that one Git command may take. */
  timeoutMilliseconds: number
  credentials?: GitCredentials | undefined
  /** Where git, ssh and setsid are found, as in PATH. */
  searchPath?: string | undefined
  /** Largest pack that a fetch may write, in bytes. */
  maximumRepositoryBytes?: number | undefined
}

/** Every method throws {@link GitError}. */
export interface Repository {
  /** Hash of the commit that the ref names on the remote now. */
  remoteHash(): Promise<string>
  /** Hash of the commit that the last fetch got, if the cache still holds it. */
  localHash(): Promise<string | undefined>
  /** Gets the ref's commit, without its history; answers its hash. */
  fetch(): Promise<string>
  /** Files of a fetched commit below a folder that `accept` wants by path from the root, sorted by path. */
  readTree(commit: string, path: string, accept: (path: string) => boolean): Promise<TreeFile[]>
  commitInfo(commit: string): Promise<CommitInfo>
  /** Removes credentials from the disk; the clone stays. */
  close(): Promise<void>
}

/** Each fetch without history adds a pack; beyond this many the clone is made anew. */
const maximumPacks = 32
const maximumTextLength = 256
const maximumListingBytes = 8 * 1024 * 1024
const maximumMessageBytes = 1024 * 1024
const sourceRef = 'refs/fairlead/source'
const hashPattern = /^([0-9a-f]{40}|[0-9a-f]{64})$/

/**
 * Opens a repository; nothing is asked of the remote yet.
 * @throws GitError `InvalidUrl`, `RefNotFound` or `AuthenticationFailed` when url, ref or credentials can't be right.
 */
export async function openRepository(options: RepositoryOptions): Promise<Repository> {
  const location = parseLocation(options.url, options.ref, options)
  const directory = join(options.cacheDirectory, 'clone.git')
  await mkdir(options.cacheDirectory, {recursive: true, mode: 0o700})
  const environment = await prepareEnvironment({
    location,
    privateDirectory: join(options.cacheDirectory, 'private'),
    repositoryDirectory: directory,
    credentials: options.credentials,
    searchPath: options.searchPath,
    maximumFileBytes: options.maximumRepositoryBytes,
  })
  return new BareRepository(options, location, environment, directory)
}

type CommandOptions = Partial<Pick<GitCommand, 'input' | 'maximumOutputBytes'>>

class BareRepository implements Repository {
  private readonly options: RepositoryOptions
  private readonly location: GitLocation
  private readonly environment: GitEnvironment
  private readonly directory: string

  constructor(options: RepositoryOptions, location: GitLocation, environment: GitEnvironment, directory: string) {
    this.options = options
    this.location = location
    this.environment = environment
    this.directory = directory
  }

  async remoteHash(): Promise<string> {
    const {url, ref, refName} = this.location
    // The peeled name gives the commit behind an annotated tag.
    const output = await this.git(['ls-remote', '--quiet', '--', url, ref, `${ref}^{}`])
    const lines = output
      .toString('utf8')
      .split('\n')
      .map(line => line.split('\t'))
    // A pattern also matches refs that merely end in it.
    const found = lines.find(([, name]) => name === `${ref}^{}`) ?? lines.find(([, name]) => name === ref)
    const hash = found?.[0] ?? ''
    if (!hashPattern.test(hash)) throw new GitError('RefNotFound', refNotFoundMessage({url, refName}))
    return hash
  }

  async localHash(): Promise<string | undefined> {
    if (!(await exists(this.directory))) return undefined
    try {
      return await this.resolveSource()
    } catch {
      return undefined
    }
  }

  async fetch(): Promise<string> {
    if (await this.isWorn()) await this.discard()
    try {
      if (!(await exists(join(this.directory, 'HEAD')))) await this.initialize()
      await this.fetchSource()
      return await this.resolveSource()
    } catch (error) {
      // Whatever an interrupted fetch left behind, such as lock files, must not break the next one.
      if (!(error instanceof GitError) || error.reason !== 'RefNotFound') await this.discard()
      throw error
    }
  }

  async readTree(commit: string, path: string, accept: (path: string) => boolean): Promise<TreeFile[]> {
    const folder = parsePath(path)
    const listing = await this.list(commit, folder)
    const entries = parseTree(listing, folder, accept).sort((left, right) => (left.path < right.path ? -1 : 1))
    if (entries.length === 0) return []
    const contents = await this.git(['cat-file', '--batch'], {
      input: entries.map(entry => `${entry.hash}\n`).join(''),
      // Every header is a hash, a type and a size.
      maximumOutputBytes: maximumTotalBytes + entries.length * 128,
    })
    return parseContents(contents, entries)
  }

  async commitInfo(commit: string): Promise<CommitInfo> {
    const format = '--format=%H%x00%an <%ae>%x00%s%x00%cI'
    const output = await this.git(['log', '-1', '--no-show-signature', format, checkedHash(commit)])
    const [hash = '', author = '', subject = '', time = ''] = output.toString('utf8').trimEnd().split('\0')
    return {hash, author: plainText(author), subject: plainText(subject), time}
  }

  async close(): Promise<void> {
    await disposeEnvironment(this.environment)
  }

  private async list(commit: string, folder: string): Promise<string> {
    const tree = `${checkedHash(commit)}:${folder}`
    try {
      const output = await this.git(['ls-tree', '-r', '-z', '-l', '--full-tree', tree], {
        maximumOutputBytes: maximumListingBytes,
      })
      return output.toString('utf8')
    } catch (error) {
      if (error instanceof GitError && error.reason === 'GitFailed' && folder !== '') {
        const problem = `has no folder ${JSON.stringify(folder)} at commit ${commit.slice(0, 12)}`
        throw new GitError('PathNotFound', `${this.location.refName} ${problem}: correct spec.path, or push the folder`)
      }
      throw error
    }
  }

  private async initialize(): Promise<void> {
    await mkdir(this.directory, {recursive: true, mode: 0o700})
    await this.git(['init', '--bare', '--quiet', '--template='])
  }

  private async fetchSource(): Promise<void> {
    const {url, ref} = this.location
    const options = ['--depth=1', '--no-tags', '--no-recurse-submodules', '--no-write-fetch-head', '--quiet']
    await this.git(['fetch', ...options, '--', url, `+${ref}:${sourceRef}`])
  }

  private async resolveSource(): Promise<string> {
    const output = await this.git(['rev-parse', '--verify', '--quiet', `${sourceRef}^{commit}`])
    return checkedHash(output.toString('utf8').trim())
  }

  private async isWorn(): Promise<boolean> {
    const folder = join(this.directory, 'objects', 'pack')
    const packs = (await readdir(folder).catch(() => [])).filter(name => name.endsWith('.pack'))
    if (packs.length > maximumPacks) return true
    const sizes = await Promise.all(packs.map(async name => (await stat(join(folder, name))).size))
    return sizes.reduce((sum, size) => sum + size, 0) > (this.options.maximumRepositoryBytes ?? maximumPackBytes)
  }

  private async discard(): Promise<void> {
    await rm(this.directory, {recursive: true, force: true})
  }

  private async git(commandArguments: string[], options: CommandOptions = {}): Promise<Buffer> {
    const {timeoutMilliseconds, credentials} = this.options
    try {
      return await runGit(this.environment, {
        arguments: commandArguments,
        timeoutMilliseconds,
        maximumOutputBytes: maximumMessageBytes,
        ...options,
      })
    } catch (error) {
      if (!(error instanceof GitCommandError)) throw error
      if (error.failureCause === 'Timeout') throw timeout(commandArguments[0] ?? 'git', timeoutMilliseconds)
      if (error.failureCause === 'OutputTooLarge') throw outputTooLarge()
      throw classifyGitFailure(error.standardError, {
        url: this.location.url,
        refName: this.location.refName,
        hasCredentials: credentials !== undefined,
        secrets: this.environment.secrets,
      })
    }
  }
}

function timeout(subcommand: string, timeoutMilliseconds: number): GitError {
  const seconds = timeoutMilliseconds / 1000
  return new GitError(
    'Timeout',
    `git ${subcommand} took longer than ${seconds} s: check that spec.url answers, or raise spec.timeout`,
  )
}

function outputTooLarge(): GitError {
  return new GitError('RepositoryTooLarge', 'Git lists more than fits: point spec.path at a smaller folder')
}

function checkedHash(hash: string): string {
  if (!hashPattern.test(hash)) throw new GitError('GitFailed', 'not a full commit hash')
  return hash
}

/** Git lets a commit say anything; a status and an annotation must be able to hold it. */
function plainText(text: string): string {
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, maximumTextLength)
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
