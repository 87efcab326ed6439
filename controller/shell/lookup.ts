// What gather reads: the caches that the reflectors fill. Reading costs no request.
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import type {Observation} from '../core/observation.ts'

/** Objects as last seen, by kind. */
export interface Lookup {
  get(ref: ObjectRef): KubeObject | undefined
  list(apiVersion: string, kind: string, namespace?: string): KubeObject[]
  /** The API server does not serve this kind. */
  missing(apiVersion: string, kind: string): boolean
}

/** What the shell remembers between passes and the core may know. */
export interface Remembered {
  refusedWrites: Observation['refusedWrites']
  delivered: Observation['delivered']
}
