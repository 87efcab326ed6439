// Configurations of connections to Prometheus: from a file, which is read again when it changes, and from Secrets.
import {readFileSync, statSync} from 'node:fs'
import {dirname, resolve} from 'node:path'
import {parse} from 'yaml'
import {HttpConfigError} from '../../analysis/providers/prometheus/index.ts'
import {type HttpConfig, httpConfig, httpConfigProblem} from '../../crds/http-config.ts'
import type {Clock, Cluster} from '../ports.ts'

/** A file, and the files that it names, are looked at this often. */
const lookEveryMilliseconds = 5000
/** How long a Secret's contents are believed: a rotated password counts within this time. */
const secretMilliseconds = 60_000
const maximumSecrets = 1000

/** The configuration in a file, now. Its paths are relative to it. @throws HttpConfigError that names file and field */
export function httpConfigFile(path: string, clock: Clock): () => HttpConfig {
  let known: {config: HttpConfig; version: string} | undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  return () => {
    if (known && clock.now() - lookedAt < lookEveryMilliseconds) return known.config
    lookedAt = clock.now()
    const {config, files} = readFile(path)
    const version = JSON.stringify([config, files.map(modifiedAt)])
    // The same object for the same configuration keeps its connections.
    if (known?.version !== version) known = {config, version}
    return known.config
  }
}

function readFile(path: string): {config: HttpConfig; files: string[]} {
  const document = documentOf(textOf(path), path)
  const problem = httpConfigProblem(document, 'allowed')
  if (problem !== undefined) throw new HttpConfigError(`${path}: ${problem}`)
  const parsed = httpConfig.parse(document)
  const files: string[] = [path]
  const contentOf = (file: string | undefined): string | undefined => {
    if (file === undefined) return undefined
    const full = resolve(dirname(path), file)
    files.push(full)
    return textOf(full).trim()
  }
  const {basic_auth: basic, authorization, sigv4, tls_config: tls} = parsed
  const config: HttpConfig = {
    ...(parsed.http_headers ? {http_headers: parsed.http_headers} : {}),
    ...(basic
      ? {basic_auth: {username: basic.username, password: basic.password ?? contentOf(basic.password_file)}}
      : {}),
    ...(authorization
      ? {
          authorization: {
            type: authorization.type,
            credentials: authorization.credentials ?? contentOf(authorization.credentials_file),
          },
        }
      : {}),
    ...(sigv4 ? {sigv4: {...sigv4, secret_key: sigv4.secret_key ?? contentOf(sigv4.secret_key_file)}} : {}),
    ...(tls
      ? {
          tls_config: {
            ...tls,
            ca: tls.ca ?? contentOf(tls.ca_file),
            cert: tls.cert ?? contentOf(tls.cert_file),
            key: tls.key ?? contentOf(tls.key_file),
          },
        }
      : {}),
  }
  return {config, files}
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'not readable'
    throw new HttpConfigError(`${path} can't be read: ${code}`)
  }
}

/** Of the parser's complaint only the place: its text quotes the document. */
function documentOf(text: string, source: string): unknown {
  try {
    return parse(text)
  } catch {
    throw new HttpConfigError(`${source} is not YAML: write it as the http_config of Prometheus`)
  }
}

function modifiedAt(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return 0
  }
}

/** Configurations in Secrets, for MetricTemplates. */
export class SecretHttpConfigs {
  readonly #cluster: Cluster
  readonly #clock: Clock
  readonly #known = new Map<string, {config: HttpConfig; version: string; readAt: number}>()

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster
    this.#clock = clock
  }

  /** @throws HttpConfigError that names the Secret and the field; ClusterError when it can't be read */
  async read(namespace: string, {name, key}: {name: string; key: string}): Promise<HttpConfig> {
    const id = `${namespace}/${name}/${key}`
    const known = this.#known.get(id)
    const now = this.#clock.now()
    if (known && now - known.readAt < secretMilliseconds) return known.config
    const secret = await this.#cluster.get({apiVersion: 'v1', kind: 'Secret', namespace, name})
    const encoded: string | undefined = secret?.data?.[key]
    if (encoded === undefined) {
      throw new HttpConfigError(`Secret ${namespace}/${name} has no key ${key}: add it, or correct spec.configRef`)
    }
    const source = `Secret ${namespace}/${name}, key ${key}`
    const document = documentOf(Buffer.from(encoded, 'base64').toString('utf8'), source)
    const problem = httpConfigProblem(document, 'refused')
    if (problem !== undefined) throw new HttpConfigError(`${source}: ${problem}`)
    const version = JSON.stringify(document)
    const config = known?.version === version ? known.config : httpConfig.parse(document)
    if (this.#known.size >= maximumSecrets) this.#known.clear()
    this.#known.set(id, {config, version, readAt: now})
    return config
  }
}
