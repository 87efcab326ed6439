// What objects are called in messages.
import type {KubeObject} from '../../crds/meta.ts'
import type {Observation} from './observation.ts'

/** The observed Rollout: `Rollout namespace/name`. */
export function rolloutName(observation: Observation): string {
  return `Rollout ${observation.meshContext.rollout.namespace}/${observation.meshContext.rollout.name}`
}

/** `Kind namespace/name`. */
export function describe(object: KubeObject): string {
  return `${object.kind} ${object.metadata.namespace ? `${object.metadata.namespace}/` : ''}${object.metadata.name}`
}
