// The surroundings of every Git command: nothing of the controller's own environment, no configuration but ours, no
// hooks, no prompts, and credentials by file or askpass only. A repository is untrusted input.
import {chmod, mkdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {GitError} from './git-error.ts'
import type {GitLocation} from './git-location.ts'

/** How to prove who asks. */
export type GitCredentials =
  | {kind: 'password'; username: string; password: string}
  | {kind: 'ssh'; identity: string; knownHosts: string}

/** Largest file that Git may write: a repository is not allowed to fill the disk. */
export const maximumPackBytes = 256 * 1024 * 1024
/** User name beside a token: GitHub and GitLab take any. */
export const tokenUsername = 'git'

const defaultSearchPath = '/usr/local/bin:/usr/bin:/bin'
const fileSizeUnitBytes = 512

/** Options that precede every Git command: the last word, above any configuration file. */
export const gitConfiguration: readonly string[] = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.symlinks=false',
  'credential.helper=',
  'transfer.fsckObjects=true',
  'fetch.fsckObjects=true',
  'fetch.unpackLimit=1',
  'fetch.recurseSubmodules=false',
  'http.followRedirects=false',
  'http.lowSpeedLimit=1000',
  'http.lowSpeedTime=20',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
]

/** Where a Git command runs, and with what. */
export interface GitEnvironment {
  /** Folder of mode 0700 that holds the scripts and, for ssh, the identity. Removed by {@link disposeEnvironment}. */
  privateDirectory: string
  variables: Record<string, string>
  /** What simple-git spawns: a shell and the script that gives Git a process group of its own. */
  binary: [string, string]
  secrets: string[]
}

export interface EnvironmentOptions {
  location: GitLocation
  /** Folder that is made, and emptied first. */
  privateDirectory: string
  repositoryDirectory: string
  credentials?: GitCredentials | undefined
  /** Where git, ssh and setsid are found, as in PATH. */
  searchPath?: string | undefined
  /** Largest file that Git may write, in bytes. */
  maximumFileBytes?: number | undefined
}

// Ending Git alone leaves `git remote-https` alive, so Git gets a group of its own, and the group is ended: politely
// first, so that lock files go, and then for good.
function groupScript(maximumFileBytes: number): string {
  return `#!/bin/sh
ulimit -f ${Math.ceil(maximumFileBytes / fileSizeUnitBytes)}
exec 3<&0
setsid git "$@" <&3 3<&- &
group=$!
trap 'kill -TERM -"$group" 2>/dev/null || kill -TERM "$group" 2>/dev/null
sleep 1
kill -KILL -"$group" 2>/dev/null
exit 124' INT TERM HUP
wait "$group"
`
}

const askpassScript = `#!/bin/sh
case "$1" in
Username*) printf '%s\\n' "$FAIRLEAD_GIT_USERNAME" ;;
Password*) printf '%s\\n' "$FAIRLEAD_GIT_PASSWORD" ;;
*) exit 1 ;;
esac
`

/**
 * Makes the private folder and the environment for one repository.
 * @throws GitError `AuthenticationFailed` when the credentials don't fit the transport.
 */
export async function prepareEnvironment(options: EnvironmentOptions): Promise<GitEnvironment> {
  const {location, privateDirectory, credentials} = options
  checkCredentials(location, credentials)
  await rm(privateDirectory, {recursive: true, force: true})
  const home = join(privateDirectory, 'home')
  await mkdir(home, {recursive: true, mode: 0o700})
  await chmod(privateDirectory, 0o700)
  const script = join(privateDirectory, 'git-group.sh')
  await writeFile(script, groupScript(options.maximumFileBytes ?? maximumPackBytes), {mode: 0o700})
  return {
    privateDirectory,
    variables: {
      ...baseVariables(options, home),
      ...(await credentialVariables(privateDirectory, credentials)),
    },
    binary: ['/bin/sh', script],
    secrets: secretsOf(credentials),
  }
}

/** Removes the private folder, and the identity with it. */
export async function disposeEnvironment(environment: GitEnvironment): Promise<void> {
  await rm(environment.privateDirectory, {recursive: true, force: true})
}

function baseVariables(options: EnvironmentOptions, home: string): Record<string, string> {
  return {
    PATH: options.searchPath ?? defaultSearchPath,
    HOME: home,
    XDG_CONFIG_HOME: home,
    LC_ALL: 'C',
    GIT_DIR: options.repositoryDirectory,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: options.location.transport,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_LFS_SKIP_SMUDGE: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_SSH_VARIANT: 'ssh',
    // Without an identity ssh may still be asked for: then it must fail, not try the controller's own keys.
    GIT_SSH_COMMAND: sshCommand('/dev/null', '/dev/null'),
  }
}

async function credentialVariables(
  privateDirectory: string,
  credentials: GitCredentials | undefined,
): Promise<Record<string, string>> {
  if (credentials === undefined) return {}
  if (credentials.kind === 'password') {
    const askpass = join(privateDirectory, 'askpass.sh')
    await writeFile(askpass, askpassScript, {mode: 0o700})
    return {
      GIT_ASKPASS: askpass,
      FAIRLEAD_GIT_USERNAME: credentials.username,
      FAIRLEAD_GIT_PASSWORD: credentials.password,
    }
  }
  const identity = join(privateDirectory, 'identity')
  const knownHosts = join(privateDirectory, 'known_hosts')
  // ssh refuses a key file that doesn't end in a newline.
  await writeFile(identity, `${credentials.identity.trimEnd()}\n`, {mode: 0o600})
  await writeFile(knownHosts, `${credentials.knownHosts.trimEnd()}\n`, {mode: 0o600})
  return {GIT_SSH_COMMAND: sshCommand(identity, knownHosts)}
}

function sshCommand(identity: string, knownHosts: string): string {
  const options = [
    'IdentitiesOnly=yes',
    'BatchMode=yes',
    'PasswordAuthentication=no',
    'StrictHostKeyChecking=yes',
    'GlobalKnownHostsFile=/dev/null',
    'ConnectTimeout=20',
    'ForwardAgent=no',
  ]
  const flags = options.map(option => `-o ${option}`).join(' ')
  return `ssh -F none ${flags} -o ${quote(`UserKnownHostsFile="${knownHosts}"`)} -i ${quote(identity)}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function checkCredentials(location: GitLocation, credentials: GitCredentials | undefined): void {
  const needsIdentity = location.transport === 'ssh'
  if (needsIdentity && credentials?.kind !== 'ssh') {
    const problem = credentials ? 'has no identity and known_hosts' : 'is not set'
    throw new GitError(
      'AuthenticationFailed',
      `spec.url is an SSH address, but spec.auth.secretRef ${problem}: name a Secret with the keys identity and known_hosts`,
    )
  }
  if (!needsIdentity && credentials?.kind === 'ssh') {
    throw new GitError(
      'AuthenticationFailed',
      'spec.url is not an SSH address, but the Secret of spec.auth.secretRef holds an SSH identity: give it username and password (or token)',
    )
  }
  if (credentials?.kind === 'password' && /[\r\n\0]/.test(credentials.username + credentials.password)) {
    throw new GitError(
      'AuthenticationFailed',
      'the Secret of spec.auth.secretRef holds a line break in username, password or token: store it without one (echo -n)',
    )
  }
}

function secretsOf(credentials: GitCredentials | undefined): string[] {
  if (credentials?.kind !== 'password') return []
  return [credentials.password, encodeURIComponent(credentials.password)]
}
