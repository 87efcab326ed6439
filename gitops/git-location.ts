// Validates what a user may say about a repository before any of it reaches a command line.
import type {GitSyncSpec} from '../crds/git-sync.ts'
import {GitError} from './git-error.ts'

/** Which transports are open besides https and ssh. */
export interface TransportOptions {
  /** Repositories in the controller's own file system: for the demo and tests. */
  allowFile?: boolean
  /** Plain http shows credentials to the network: for tests on the loopback interface. */
  allowHttp?: boolean
}

/** A checked place in a repository. */
export interface GitLocation {
  url: string
  transport: 'https' | 'ssh' | 'file' | 'http'
  /** Full name, such as refs/heads/main. */
  ref: string
  /** How a message calls it, such as `branch main`. */
  refName: string
}

const scpAddress = /^[A-Za-z0-9_][A-Za-z0-9._-]*@[A-Za-z0-9][A-Za-z0-9.-]*:(?!-)[^\s:]+$/
const sshUser = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/
const hostName = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)$/
const unprintable = /[\s\p{Cc}]/u

/**
 * Checks URL and ref of a GitSync.
 * @throws GitError `InvalidUrl` or `RefNotFound`, naming the field.
 */
export function parseLocation(url: string, ref: GitSyncSpec['ref'], options: TransportOptions = {}): GitLocation {
  const transport = parseTransport(url, options)
  const [kind, name] = ref.tag === undefined ? (['branch', ref.branch ?? ''] as const) : (['tag', ref.tag] as const)
  if (ref.tag !== undefined && ref.branch !== undefined) {
    throw new GitError('RefNotFound', 'spec.ref names both a branch and a tag: keep one of them')
  }
  if (!isRefName(name)) {
    throw new GitError('RefNotFound', `spec.ref.${kind} is not a valid Git name: write it as git ${kind} lists it`)
  }
  return {url, transport, ref: `refs/${kind === 'tag' ? 'tags' : 'heads'}/${name}`, refName: `${kind} ${name}`}
}

function parseTransport(url: string, options: TransportOptions): GitLocation['transport'] {
  if (unprintable.test(url)) throw invalidUrl('holds spaces or control characters: remove them')
  if (!url.includes('://')) {
    if (scpAddress.test(url)) return 'ssh'
    throw invalidUrl('is not a repository address: write https://host/path, ssh://user@host/path or user@host:path')
  }
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (!parsed) throw invalidUrl('is not a valid address: write https://host/path or ssh://user@host/path')
  if (parsed.search !== '' || parsed.hash !== '') throw invalidUrl('holds a query or fragment: remove it')
  switch (parsed.protocol) {
    case 'https:':
      return remoteTransport(parsed, 'https')
    case 'ssh:':
      return remoteTransport(parsed, 'ssh')
    case 'http:':
      if (options.allowHttp) return remoteTransport(parsed, 'http')
      throw invalidUrl('uses plain http, which shows the credentials to the network: use https')
    case 'file:':
      return fileTransport(parsed, options)
    default:
      throw invalidUrl(`uses ${parsed.protocol}//, which is not allowed: use https:// or ssh://`)
  }
}

function remoteTransport(url: URL, transport: 'https' | 'ssh' | 'http'): GitLocation['transport'] {
  const allowsUser = transport === 'ssh'
  if (url.password !== '' || (url.username !== '' && !allowsUser)) {
    throw invalidUrl('holds a user name or password: move them to the Secret that spec.auth.secretRef names')
  }
  if (url.username !== '' && !sshUser.test(url.username)) throw invalidUrl('has an odd user name: use git@host')
  if (!hostName.test(url.hostname)) throw invalidUrl('names no valid host: write https://host/path')
  if (url.pathname.length < 2) throw invalidUrl('names no repository on the host: write https://host/path')
  return transport
}

function fileTransport(url: URL, options: TransportOptions): GitLocation['transport'] {
  if (!options.allowFile) throw invalidUrl('uses file://, which this controller does not allow: use https:// or ssh://')
  if (url.host !== '' || url.pathname.length < 2) throw invalidUrl('must be file:/// and an absolute path')
  return 'file'
}

function invalidUrl(problem: string): GitError {
  return new GitError('InvalidUrl', `spec.url ${problem}`)
}

/** Whether Git takes a name for a branch or tag; the rules of git-check-ref-format, and no leading dash. */
function isRefName(name: string): boolean {
  if (name === '' || name.length > 255 || name === '@') return false
  if (unprintable.test(name) || /[~^:?*[\\]|\.\.|@\{|\/\//.test(name)) return false
  if (/^[-/]|[/.]$/.test(name)) return false
  return name.split('/').every(part => !part.startsWith('.') && !part.endsWith('.lock'))
}

/**
 * The path without leading `./` and trailing slashes; empty for the whole repository.
 * @throws GitError `PathNotFound` when it leaves the repository or holds what no path should.
 */
export function parsePath(path: string): string {
  const parts = path.split('/').filter(part => part !== '' && part !== '.')
  if (path.startsWith('/') || parts.includes('..') || /\p{Cc}/u.test(path)) {
    throw new GitError('PathNotFound', 'spec.path must be a folder inside the repository, relative and without ".."')
  }
  return parts.join('/')
}
