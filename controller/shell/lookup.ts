// What gather reads: the caches that the reflectors fill. Reading costs no request.
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import type {Mesh, MeshContext} from '../../mesh/types.ts'
import type {Observation} from '../core/observation.ts'

/** Objects as last seen, by kind. */
export interface Lookup {
  /** The only namespace that is looked at; all when undefined. */
  readonly namespace?: string | undefined
  get(ref: ObjectRef): KubeObject | undefined
  list(apiVersion: string, kind: string, namespace?: string): KubeObject[]
  /** Objects of a mesh's kinds that may matter to the Rollout of the context, in every namespace. */
  meshObjects(mesh: Mesh, context: MeshContext): KubeObject[]
  /** The API server does not serve this kind, or the controller was told not to look at it there. */
  missing(apiVersion: string, kind: string, namespace?: string): boolean
  /** Why this kind can't be read at present: the API server's words; undefined while it can be. */
  forbidden(apiVersion: string, kind: string, namespace?: string): string | undefined
  /** Whether a write that got this resourceVersion has arrived here; true for kinds that are not followed. */
  reached(apiVersion: string, kind: string, resourceVersion: string): boolean
}

/** What the shell remembers between passes and the core may know. */
export interface Remembered {
  refusedWrites: Observation['refusedWrites']
  delivered: Observation['delivered']
}

/** Kinds of a mesh that are not there; one of no namespace is not looked for where one namespace is looked at. */
export function missingKinds({kinds}: Mesh, lookup: Lookup): string[] {
  return kinds
    .filter(({scope}) => scope !== 'Cluster' || lookup.namespace === undefined)
    .filter(({apiVersion, kind}) => lookup.missing(apiVersion, kind))
    .map(({apiVersion, kind}) => `${kind} (${apiVersion})`)
}
