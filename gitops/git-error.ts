// What can go wrong with Git, as a reason for a condition and a sentence that names the field and the fix.

/** Why Git could not give what was asked. Each is a condition reason of the GitSync: they are API. */
export type GitErrorReason =
  | 'Unreachable'
  | 'AuthenticationFailed'
  | 'RefNotFound'
  | 'PathNotFound'
  | 'Timeout'
  | 'RepositoryTooLarge'
  | 'UnsafeContent'
  | 'InvalidUrl'
  | 'GitFailed'

/** A failure of Git. Its message never holds a credential. */
export class GitError extends Error {
  override readonly name = 'GitError'
  readonly reason: GitErrorReason

  constructor(reason: GitErrorReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** What a failed command was about, for the message. */
export interface GitFailureContext {
  url: string
  /** Name of the branch or tag. */
  refName: string
  hasCredentials: boolean
  /** Texts that must not appear in any message. */
  secrets: readonly string[]
}

interface FailurePattern {
  reason: GitErrorReason
  pattern: RegExp
  message: (context: GitFailureContext) => string
}

const maximumDetailLength = 300
/** A secret shorter than this would blot out ordinary words; it is no secret anyway. */
const minimumSecretLength = 4

// The first match wins: an authentication failure also says that the remote could not be read.
const failurePatterns: readonly FailurePattern[] = [
  {
    reason: 'AuthenticationFailed',
    pattern: /host key verification failed|no .* host key is known/i,
    message: context =>
      `the SSH host key of ${context.url} is not in known_hosts of the Secret: put the output of ssh-keyscan, checked by hand, under the key known_hosts of spec.auth.secretRef`,
  },
  {
    reason: 'AuthenticationFailed',
    pattern:
      /could not read (username|password)|authentication failed|permission denied|access denied|returned error: 40[13]|terminal prompts disabled|invalid credentials|error in libcrypto|invalid format/i,
    message: authenticationMessage,
  },
  {
    reason: 'Unreachable',
    pattern: /redirect|returned error: 30\d/i,
    message: context =>
      `${context.url} redirects elsewhere, which is not followed because it could leak the credentials: write the final address in spec.url`,
  },
  {
    reason: 'RefNotFound',
    pattern: /couldn't find remote ref|remote ref .* not found/i,
    message: refNotFoundMessage,
  },
  {
    reason: 'GitFailed',
    pattern: /no space left|disk quota/i,
    message: () => "the disk of the controller's cache folder is full: give it more room",
  },
  {
    reason: 'UnsafeContent',
    pattern: /fsck error|fsckObjects|bad object|unsafe|hasDot|badTree/i,
    message: context =>
      `Git found malformed objects in ${context.url}: run git fsck there, rewrite what it names, then push again (spec.url)`,
  },
  {
    reason: 'Unreachable',
    pattern: /repository .* not found|not found|does not appear to be a git repository|does not exist/i,
    message: context =>
      `there is no repository at ${context.url}: correct spec.url${context.hasCredentials ? ', or give the credentials of spec.auth.secretRef access to it' : ', or set spec.auth.secretRef if it is private'}`,
  },
  {
    reason: 'Unreachable',
    pattern:
      /could not resolve|couldn't connect|failed to connect|connection (refused|reset|timed out|closed)|network is unreachable|no route to host|unable to access|could not read from remote|remote end hung up|operation too slow|early eof|ssl|certificate|returned error: 5/i,
    message: context =>
      `cannot reach ${context.url}: check spec.url, and that the controller's network reaches that host`,
  },
  {
    // Git says no more when index-pack is ended for writing more than it may; a broken connection also says so above.
    reason: 'RepositoryTooLarge',
    pattern: /invalid index-pack output|signal 25|file too large/i,
    message: () =>
      'the repository is too large to fetch, even without its history: sync a smaller repository (spec.url)',
  },
]

function authenticationMessage(context: GitFailureContext): string {
  return context.hasCredentials
    ? `${context.url} refused the credentials of spec.auth.secretRef: renew them in that Secret, and check that they may read the repository`
    : `${context.url} asks for credentials: set spec.auth.secretRef to a Secret with username and password (or token) for https, identity and known_hosts for ssh`
}

/** The sentence for a branch or tag that the remote doesn't have. */
export function refNotFoundMessage(context: Pick<GitFailureContext, 'url' | 'refName'>): string {
  return `${context.url} has no ${context.refName}: correct spec.ref, or push it`
}

/** The last telling line that Git printed, free of credentials and control characters, and bounded. */
function sanitizeDetail(output: string, secrets: readonly string[]): string {
  const lines = output.split(/[\r\n]+/).filter(line => line.trim() !== '')
  const telling = lines.find(line => /^(fatal|error|remote: error|ERROR)/.test(line)) ?? lines.at(-1) ?? ''
  let detail = telling.replaceAll(/\/\/[^/@\s]*@/g, '//')
  for (const secret of secrets) {
    if (secret.length >= minimumSecretLength) detail = detail.replaceAll(secret, '***')
  }
  return detail.replaceAll(/\p{Cc}/gu, ' ').slice(0, maximumDetailLength)
}

/**
 * Classifies what Git wrote to standard error (in the C locale).
 * @returns the error to throw; `GitFailed` where nothing is recognised.
 */
export function classifyGitFailure(standardError: string, context: GitFailureContext): GitError {
  const detail = sanitizeDetail(standardError, context.secrets)
  const known = failurePatterns.find(({pattern}) => pattern.test(standardError))
  const explained = detail === '' ? '' : ` (Git says: ${detail})`
  if (known) return new GitError(known.reason, `${known.message(context)}${explained}`)
  return new GitError('GitFailed', `Git failed on ${context.url}; it is tried again${explained}`)
}
