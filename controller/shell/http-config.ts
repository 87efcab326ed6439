// Configurations of connections to Prometheus: from a file, which is read again when it changes, and from Secrets.
import {readFileSync} from 'node:fs'
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
  let known: {config: HttpConfig; version: string; readAt: number} | undefined
  return () => {
    if (known && clock.now() - known.readAt < lookEveryMilliseconds) return known.config
    const previous = known
    // What can't be read is looked at each time, and no credential is used that the file no longer holds.
    known = undefined
    const config = readFile(path)
    const version = JSON.stringify(config)
    // The same object for the same configuration keeps its connections.
    known = {config: previous?.version === version ? previous.config : config, version, readAt: clock.now()}
    return known.config
  }
}

function readFile(path: string): HttpConfig {
  const document = documentOf(textOf(path), path)
  const written = usable(document, 'allowed', path)
  const sections = Object.entries(written).map(([name, section]) => [name, withoutFiles(section ?? {}, dirname(path))])
  // Again: a file may hold what its field must not.
  return usable(Object.fromEntries(sections), 'refused', path)
}

/** Contents in place of the names of files: `password` for `password_file`. */
function withoutFiles(section: object, folder: string): object {
  const fields = Object.entries(section).map(([name, value]): [string, unknown] =>
    name.endsWith('_file') ? [name.slice(0, -'_file'.length), textOf(resolve(folder, value)).trim()] : [name, value],
  )
  return Object.fromEntries(fields)
}

function usable(document: unknown, files: 'allowed' | 'refused', source: string): HttpConfig {
  const problem = httpConfigProblem(document, files)
  if (problem !== undefined) throw new HttpConfigError(`${source}: ${problem}`)
  return httpConfig.parse(document)
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'not readable'
    throw new HttpConfigError(`${path} can't be read: ${code}`)
  }
}

/** Nothing of what the parser says: it quotes the document, in its warnings as well. */
function documentOf(text: string, source: string): unknown {
  try {
    return parse(text, {logLevel: 'error', prettyErrors: false})
  } catch {
    throw new HttpConfigError(`${source} is not YAML: write it as the http_config of Prometheus`)
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
    const parsed = usable(document, 'refused', source)
    const version = JSON.stringify(parsed)
    const config = known?.version === version ? known.config : parsed
    if (this.#known.size >= maximumSecrets) this.#known.clear()
    this.#known.set(id, {config, version, readAt: now})
    return config
  }
}
