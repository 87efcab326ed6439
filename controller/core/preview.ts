// The preview Service of a blue/green release: it reaches the version that is tested, from when its pods are ready to the
// switch, and the primary at every other time, so that whoever calls it always finds pods.
import type {KubeObject} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {SlotName} from '../../crds/slots.ts'
import {deletion, type Intent} from './intents.ts'
import {ownerAnnotations, servicePort, slotLabels} from './manifests.ts'
import type {Observation, Problem} from './observation.ts'
import {isOurs} from './owned.ts'
import type {State} from './state.ts'

/** Name of the preview Service; undefined where there is none. */
export function previewNameOf({strategy: {blueGreen}, serviceRefs}: RolloutSpec, apex: string): string | undefined {
  // The Service of a version that others run is its preview.
  return blueGreen && !serviceRefs ? (blueGreen.previewService ?? `${apex}-preview`) : undefined
}

/** The preview Service as it is wished, and the end of any other one of ours. */
export function preview(observation: Observation, state: State): Intent[] {
  const {spec, meshContext, previews} = observation
  const name = previewNameOf(spec, meshContext.apex.name)
  const others = previews.filter(one => one.metadata.name !== name && isOurs(observation, one))
  const slot = testedSlot(state)
  // Ports are those of the apex Service: while it is away this one stays as it is.
  const known = meshContext.apex.ports.length > 0
  const wished: Intent[] =
    name && slot && known ? [{kind: 'apply', manifest: previewService(observation, name, slot)}] : []
  return [...wished, ...others.map(deletion)]
}

function testedSlot(state: State): SlotName | undefined {
  const tested = 'canary' in state && state.phase !== 'Preparing' && state.phase !== 'RollingBack'
  return tested ? state.canary.slot : state.primary?.slot
}

function previewService({rollout, meshContext}: Observation, name: string, slot: SlotName): KubeObject {
  const {name: owner, namespace} = meshContext.rollout
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      labels: {[labels.rollout]: owner, [labels.preview]: 'true'},
      annotations: ownerAnnotations(rollout),
    },
    spec: {type: 'ClusterIP', selector: slotLabels(owner, slot), ports: meshContext.apex.ports.map(servicePort)},
  }
}

/** A Service of somebody else's under the preview's name, or one that the Rollout needs for something else. */
export function previewProblems(observation: Observation): Problem[] {
  const {spec, meshContext, previews} = observation
  const {apex, slots, rollout} = meshContext
  const name = previewNameOf(spec, apex.name)
  if (name === undefined) return []
  const field = 'spec.strategy.blueGreen.previewService'
  const foreign = previews.find(one => one.metadata.name === name && !isOurs(observation, one))
  if (foreign) {
    return [
      {
        reason: 'ForeignPreview',
        object: `Service ${rollout.namespace}/${name}`,
        field: 'metadata.name',
        problem: 'it has the name of the preview Service and was not made by Fairlead for this Rollout',
        fix: `rename or delete it, or set another name in ${field}`,
      },
    ]
  }
  if (![apex.name, slots.a, slots.b].includes(name)) return []
  return [
    {
      reason: 'InvalidPreview',
      object: `Rollout ${rollout.namespace}/${rollout.name}`,
      field,
      problem: `${name} is the apex Service or that of a slot`,
      fix: 'give the preview Service a name of its own',
    },
  ]
}
