import {ClusterError} from '../ports.ts'

/** What the API server says about one kind. */
export interface ApiResource {
  /** Lower-case plural, as in paths. */
  plural: string
  namespaced: boolean
  verbs: readonly string[]
  /** Paths below an object, such as `status` and `scale`. */
  subresources: readonly string[]
}

/** Group-versions that are remembered; a real cluster has fewer than a hundred. */
const maxGroupVersions = 1_000

interface ResourceEntry {
  name?: unknown
  kind?: unknown
  namespaced?: unknown
  verbs?: unknown
}

/**
 * Which path serves which kind, by the API server's own discovery. Remembered per group-version; a kind that is not
 * known is asked for again each time, so that a CRD that was just installed is found.
 */
export class Discovery {
  readonly #fetch: (path: string) => Promise<string>
  readonly #known = new Map<string, Map<string, ApiResource>>()
  readonly #underway = new Map<string, Promise<Map<string, ApiResource>>>()

  /** @param fetch gets the body of a path; rejects with {@link ClusterError} */
  constructor(fetch: (path: string) => Promise<string>) {
    this.#fetch = fetch
  }

  /**
   * @throws {ClusterError} status 404, reason `KindNotFound`, when the server has no such kind
   */
  async resourceOf(apiVersion: string, kind: string): Promise<ApiResource> {
    const found = this.#known.get(apiVersion)?.get(kind) ?? (await this.#refresh(apiVersion)).get(kind)
    if (found !== undefined) return found
    const message = `the cluster has no kind ${kind} in ${apiVersion}: is its CustomResourceDefinition installed?`
    throw new ClusterError(404, 'KindNotFound', message)
  }

  /** Forgets what is known of a group-version: to be called when one of its paths turned out not to exist. */
  invalidate(apiVersion: string): void {
    this.#known.delete(apiVersion)
  }

  #refresh(apiVersion: string): Promise<Map<string, ApiResource>> {
    const already = this.#underway.get(apiVersion)
    if (already !== undefined) return already
    const underway = this.#load(apiVersion).finally(() => this.#underway.delete(apiVersion))
    this.#underway.set(apiVersion, underway)
    return underway
  }

  async #load(apiVersion: string): Promise<Map<string, ApiResource>> {
    let body: string
    try {
      body = await this.#fetch(groupVersionPath(apiVersion))
    } catch (error) {
      if (!(error instanceof ClusterError && error.status === 404)) throw error
      this.#known.delete(apiVersion)
      return new Map()
    }
    const resources = parseResources(apiVersion, body)
    if (this.#known.size >= maxGroupVersions) this.#known.clear()
    this.#known.set(apiVersion, resources)
    return resources
  }
}

/** Root of a group-version: `/api/v1` for the core group, else `/apis/<group>/<version>`. */
export function groupVersionPath(apiVersion: string): string {
  const parts = apiVersion.split('/').map(encodeURIComponent)
  return parts.length === 1 ? `/api/${parts[0]}` : `/apis/${parts.join('/')}`
}

function parseResources(apiVersion: string, body: string): Map<string, ApiResource> {
  const entries = resourceEntries(apiVersion, body)
  const subresources = new Map<string, string[]>()
  for (const {name} of entries) {
    if (typeof name !== 'string') continue
    const [plural = '', sub] = name.split('/')
    if (sub !== undefined) subresources.set(plural, [...(subresources.get(plural) ?? []), sub])
  }
  const resources = new Map<string, ApiResource>()
  for (const {name, kind, namespaced, verbs} of entries) {
    if (typeof name !== 'string' || typeof kind !== 'string' || name.includes('/') || resources.has(kind)) continue
    resources.set(kind, {
      plural: name,
      namespaced: namespaced === true,
      verbs: Array.isArray(verbs) ? verbs.filter(verb => typeof verb === 'string') : [],
      subresources: subresources.get(name) ?? [],
    })
  }
  return resources
}

function resourceEntries(apiVersion: string, body: string): ResourceEntry[] {
  try {
    const list = JSON.parse(body) as {resources?: unknown} | null
    if (Array.isArray(list?.resources)) return list.resources.filter(entry => typeof entry === 'object' && entry)
  } catch {
    // Told below, together with answers that are JSON but no list.
  }
  throw new ClusterError(0, 'BadAnswer', `discovery of ${apiVersion} is not an APIResourceList`)
}
