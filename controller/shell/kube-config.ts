import {existsSync, readFileSync} from 'node:fs'
import type {RequestOptions} from 'node:https'
import {homedir} from 'node:os'
import {delimiter, dirname, join, resolve} from 'node:path'
import {type Cluster, KubeConfig, type User} from '@kubernetes/client-node'
import {parse} from 'yaml'

/** How long credentials are used before they are asked for again; files are re-read and plugins asked then. */
const credentialsLifetimeMilliseconds = 10_000
/** How long an exec plugin may take; client-node itself would wait for ever. */
const credentialsTimeoutMilliseconds = 60_000
const inClusterTokenFile = '/var/run/secrets/kubernetes.io/serviceaccount/token'

/** Where and how to reach one API server. */
export interface Connection {
  /** Without a trailing slash; may hold a path, as behind Rancher's proxy. */
  baseUrl: string
  /** Namespace of the context; `default` when it names none. */
  namespace: string
  /** HTTP proxy to go through. */
  proxyUrl?: string
  /** TLS options for the next connection; certificates on disk are read again, so that they may rotate. */
  tls(): Promise<TlsOptions>
  /** Headers that authenticate a request; tokens on disk are read again and exec plugins asked when theirs ran out. */
  headers(): Promise<Record<string, string>>
  /** Forgets everything cached: to be called when the server answered 401. */
  invalidate(): void
}

/** The TLS options that a connection may need; PEM throughout. */
export interface TlsOptions {
  ca?: string
  cert?: string
  key?: string
  servername?: string
  rejectUnauthorized?: boolean
}

/** What the process was started with, as far as finding a cluster goes. */
export interface ConnectionRequest {
  /** Path of a kubeconfig file; else the one that KUBECONFIG names, `~/.kube/config`, or the pod's service account. */
  kubeconfig?: string
  /** Context of that file; else its current context. */
  context?: string
  /** Content of the variable KUBECONFIG. */
  kubeconfigVariable?: string
  /** The user's home directory; the system's answer when absent. */
  home?: string
  /** How long an exec plugin may take; 60 s when absent. */
  credentialsTimeoutMilliseconds?: number
}

/** The configuration does not lead to a cluster. The message says what to change. */
class KubeConfigError extends Error {
  override readonly name = 'KubeConfigError'
}

/**
 * Finds the API server and the credentials for it, as kubectl does. `@kubernetes/client-node` parses the
 * configuration and runs the authentication; requests are ours.
 *
 * @throws {KubeConfigError} no configuration, unreadable file, unknown context, cluster or user
 */
export function loadConnection(request: ConnectionRequest = {}): Connection {
  const load = () => loadConfig(request)
  const config = load()
  const cluster = clusterOf(config)
  const credentials = cachedCredentials(
    load,
    config,
    request.credentialsTimeoutMilliseconds ?? credentialsTimeoutMilliseconds,
  )
  const connection: Connection = {
    baseUrl: cluster.server.replace(/\/+$/, ''),
    namespace: config.getContextObject(config.getCurrentContext())?.namespace || 'default',
    tls: async () => (await credentials.get()).tls,
    headers: async () => ({...(await credentials.get()).headers}),
    invalidate: credentials.invalidate,
  }
  const proxyUrl = cluster.proxyUrl
  if (proxyUrl === undefined) return connection
  if (!/^https?:\/\//.test(proxyUrl)) {
    throw new KubeConfigError(`clusters["${cluster.name}"].proxy-url: only http and https proxies are supported`)
  }
  return {...connection, proxyUrl}
}

interface Credentials {
  tls: TlsOptions
  headers: Record<string, string>
}

function cachedCredentials(load: () => KubeConfig, first: KubeConfig, timeoutMilliseconds: number) {
  let config: KubeConfig | undefined = first
  let cached: {at: number; credentials: Promise<Credentials>} | undefined
  return {
    get(): Promise<Credentials> {
      // Not the Clock port: this is about files on this machine, and simulated time has no business here.
      const now = performance.now()
      if (cached !== undefined && now - cached.at < credentialsLifetimeMilliseconds) return cached.credentials
      config ??= load()
      const entry = {at: now, credentials: withDeadline(readCredentials(config), timeoutMilliseconds)}
      // A failed attempt is not kept: the plugin or file may work the next time.
      entry.credentials.catch(() => {
        if (cached === entry) cached = undefined
      })
      cached = entry
      return entry.credentials
    },
    invalidate(): void {
      config = undefined
      cached = undefined
    },
  }
}

function withDeadline<T>(work: Promise<T>, timeoutMilliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const message = `the credentials did not come within ${timeoutMilliseconds / 1000} s: does the exec plugin wait?`
    const timer = setTimeout(() => reject(new KubeConfigError(message)), timeoutMilliseconds)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const options: RequestOptions = {}
  try {
    await config.applyToHTTPSOptions(options)
  } catch (error) {
    throw new KubeConfigError(`credentials of user "${config.getCurrentUser()?.name}": ${reasonOf(error)}`)
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    // A token file usually ends in a newline, which a header must not.
    headers[name.toLowerCase()] = String(value).trim()
  }
  if (typeof options.auth === 'string') {
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`
  }
  const tls: TlsOptions = {}
  if (options.ca) tls.ca = String(options.ca)
  if (options.cert) tls.cert = String(options.cert)
  if (options.key)
    tls.key =
      typeof options.key === 'string' || Buffer.isBuffer(options.key)
        ? options.key.toString()
        : JSON.stringify(options.key)
  if (options.servername) tls.servername = options.servername
  if (options.rejectUnauthorized === false) tls.rejectUnauthorized = false
  return {tls, headers}
}

function loadConfig(request: ConnectionRequest): KubeConfig {
  const config = new KubeConfig()
  const files = kubeconfigFiles(request)
  if (files.length === 0) {
    if (!existsSync(inClusterTokenFile)) {
      throw new KubeConfigError(
        'no cluster is configured: give --kubeconfig, set KUBECONFIG, make ~/.kube/config, or run in a pod with a service account token',
      )
    }
    config.loadFromCluster()
  }
  for (const [index, file] of files.entries()) {
    const part = loadFile(file)
    // As kubectl merges: the first file that names a current context wins.
    if (index === 0) config.mergeConfig(part)
    else config.mergeConfig(part, Boolean(config.currentContext))
  }
  selectContext(config, request, files)
  return config
}

function kubeconfigFiles(request: ConnectionRequest): string[] {
  if (request.kubeconfig) return [request.kubeconfig]
  const named = (request.kubeconfigVariable ?? '').split(delimiter).filter(file => file !== '')
  if (named.length > 0) return named
  const standard = join(request.home ?? homedir(), '.kube', 'config')
  return existsSync(standard) ? [standard] : []
}

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig()
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new KubeConfigError(`kubeconfig ${file} cannot be read: ${reasonOf(error)}`)
  }
  let tokenFiles: Map<string, string>
  try {
    tokenFiles = tokenFilesOf(text)
    config.loadFromString(text)
    config.makePathsAbsolute(dirname(resolve(file)))
  } catch (error) {
    // A YAML error quotes the lines around it, which may hold a token: only its first line is passed on.
    throw new KubeConfigError(`kubeconfig ${file} is not valid: ${reasonOf(error)}`)
  }
  for (const user of config.users) {
    const tokenFile = tokenFiles.get(user.name)
    if (tokenFile !== undefined) useTokenFile(user, resolve(dirname(resolve(file)), tokenFile))
  }
  return config
}

/** client-node does not know the field `tokenFile` of a user, only its own provider of that name. */
function useTokenFile(user: User, tokenFile: string): void {
  const mutable: {authProvider?: unknown; token?: unknown} = user
  mutable.authProvider = {name: 'tokenFile', config: {tokenFile}}
  delete mutable.token
}

function tokenFilesOf(text: string): Map<string, string> {
  const document: unknown = parse(text, {prettyErrors: false})
  const users = (document as {users?: unknown} | null)?.users
  const found = new Map<string, string>()
  for (const entry of Array.isArray(users) ? users : []) {
    const {name, user} = (entry ?? {}) as {name?: unknown; user?: {tokenFile?: unknown} | null}
    if (typeof name === 'string' && typeof user?.tokenFile === 'string') found.set(name, user.tokenFile)
  }
  return found
}

function selectContext(config: KubeConfig, request: ConnectionRequest, files: string[]): void {
  const wanted = request.context ?? config.getCurrentContext()
  const known = config.getContexts().map(context => context.name)
  const place = files.length === 0 ? 'the pod' : files.join(', ')
  if (!wanted) {
    throw new KubeConfigError(
      `${place} names no current-context: give --context, one of ${known.join(', ') || '(none)'}`,
    )
  }
  const context = config.getContextObject(wanted)
  if (context === null) {
    throw new KubeConfigError(`context "${wanted}" is not in ${place}: known are ${known.join(', ') || '(none)'}`)
  }
  config.setCurrentContext(wanted)
  if (context.user && config.getUser(context.user) === null) {
    throw new KubeConfigError(`context "${wanted}" names user "${context.user}", which is not in ${place}`)
  }
  if (config.getCluster(context.cluster) === null) {
    throw new KubeConfigError(`context "${wanted}" names cluster "${context.cluster}", which is not in ${place}`)
  }
  allowPlainHttp(clusterOf(config))
}

/** client-node refuses plain HTTP unless TLS verification is off, which has no meaning there; kubectl takes it. */
function allowPlainHttp(cluster: Cluster): void {
  if (cluster.server.startsWith('http://')) (cluster as {skipTLSVerify: boolean}).skipTLSVerify = true
}

function clusterOf(config: KubeConfig): Cluster {
  const cluster = config.getCurrentCluster()
  if (cluster === null) throw new KubeConfigError(`context "${config.getCurrentContext()}" names no known cluster`)
  if (!URL.canParse(cluster.server) || !/^https?:/.test(cluster.server)) {
    throw new KubeConfigError(`clusters["${cluster.name}"].server must be an http or https URL`)
  }
  return cluster
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return (text.split('\n')[0] ?? '').slice(0, 300)
}
