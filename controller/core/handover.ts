// Before a field is handed over: a field that its only owner drops falls to its default, replicas to one and a Service's
// selector to nothing. So what the user is told to drop elsewhere is owned here too, at the value that it has.
import type {KubeObject} from '../../crds/meta.ts'
import type {Intent} from './intents.ts'
import type {World} from './world.ts'

/** Joins in the ownership of the fields over which a Rollout is refused; never against the other owner's value. */
export function handover({observation, problems}: World): Intent[] {
  const {target, apex} = observation
  return problems.flatMap(({reason}) => {
    if (reason === 'ReplicasOwnedElsewhere') return shared(target, 'replicas')
    return reason === 'ApexNotOwned' ? shared(apex, 'selector') : []
  })
}

function shared(object: KubeObject | undefined, field: 'replicas' | 'selector'): Intent[] {
  const value: unknown = object?.spec?.[field]
  if (!object || value === undefined) return []
  const {apiVersion, kind, metadata} = object
  const {name, namespace} = metadata
  const manifest: KubeObject = {
    apiVersion,
    kind,
    metadata: {name, ...(namespace === undefined ? {} : {namespace})},
    spec: {[field]: value},
  }
  return [{kind: 'apply', manifest, yields: true}]
}
