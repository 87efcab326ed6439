// Two Services of the user's as slots (spec.serviceRefs): what must hold of them, and what can't be done without pods of
// our own.
import {labels} from '../../crds/names.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {ServicePort} from '../../mesh/types.ts'
import {rolloutName} from './describe.ts'
import type {Observation, Problem} from './observation.ts'
import {stepsOf} from './steps.ts'

type Finding = Pick<Problem, 'field' | 'problem' | 'fix'>

export function serviceRefProblems(observation: Observation): Problem[] {
  const object = rolloutName(observation)
  const beyond = [...beyondServices(observation)].map(found => ({reason: 'UnsupportedByServices', object, ...found}))
  return [...(['a', 'b'] as const).flatMap(slot => serviceProblem(observation, slot)), ...beyond]
}

/** Ports that the route asks of a slot's Service and that it lacks; those of Fairlead's own have every one. */
export function missingPorts({spec, mesh, meshContext, meshObjects, slots}: Observation, slot: SlotName): number[] {
  const {service} = slots[slot]
  if (!spec.serviceRefs || !service) return []
  const ports: ServicePort[] = service.spec?.ports ?? []
  const has = ports.filter(({protocol = 'TCP'}) => protocol === 'TCP').map(({port}) => port)
  return mesh.routedPorts(meshContext, meshObjects).filter(port => !has.includes(port))
}

function serviceProblem(observation: Observation, slot: SlotName): Problem[] {
  const {meshContext, slots} = observation
  const {rollout, apex, slots: names} = meshContext
  const service = slots[slot].service
  const at = {object: `Service ${rollout.namespace}/${names[slot]}`, field: `spec.serviceRefs.${slot}`}
  const refuse = (reason: string, problem: string, fix: string): Problem[] => [{reason, ...at, problem, fix}]
  if (names[slot] === apex.name)
    return refuse('ServiceIsApex', 'callers use this very Service', 'name a Service that selects one version alone')
  if (!service) return refuse('ServiceMissing', 'there is no such Service', 'create it, or name another')
  if (service.spec?.type === 'ExternalName' || service.spec?.clusterIP === 'None')
    return refuse('HeadlessService', 'it has no address of its own', 'use a ClusterIP Service')
  const other = service.metadata.labels?.[labels.rollout]
  if (other !== undefined && other !== rollout.name)
    return refuse('ServiceClaimed', `it belongs to Rollout ${other}`, 'name another Service')
  const [port] = missingPorts(observation, slot)
  if (port === undefined) return []
  const problem = `it has no TCP port ${port}, to which requests for Service ${apex.name} go`
  return [{reason: 'ServicePortMissing', ...at, field: 'spec.ports', problem, fix: 'add it'}]
}

/** Whatever needs pods, or labels on them, that Fairlead makes. */
function* beyondServices({spec, mesh}: Observation): Generator<Finding> {
  const fix = 'leave it out, or release a workload with targetRef or template'
  const others = 'the pods behind spec.serviceRefs are not made by Fairlead'
  if (mesh.bySelector) {
    const problem = 'without a mesh the Service of the callers selects pods, and two Services are two of those'
    yield {field: 'spec.traffic.none', problem, fix: 'use a mesh'}
  }
  if (spec.analysis.baseline) yield {field: 'spec.analysis.baseline', problem: others, fix}
  if (spec.safeguards.rateLimit) yield {field: 'spec.safeguards.rateLimit', problem: others, fix}
  for (const step of stepsOf(spec)) {
    if (step.faults.length > 0) yield {field: `${step.field}.faults`, problem: others, fix}
  }
  for (const [index, {pods}] of (spec.strategy.canary?.steps ?? []).entries()) {
    if (pods !== undefined) yield {field: `spec.strategy.canary.steps[${index}].pods`, problem: others, fix}
  }
  if (spec.strategy.blueGreen?.previewService !== undefined) {
    const problem = 'the Service of the version that is tested is its preview'
    yield {field: 'spec.strategy.blueGreen.previewService', problem, fix: 'leave it out'}
  }
  for (const {name, threshold} of spec.analysis.checks) {
    if (threshold?.metric !== 'plaintextRequests') continue
    const problem = 'it is told by the name of the workload, which Fairlead does not know behind spec.serviceRefs'
    yield {field: `spec.analysis.checks[name=${name}].threshold.metric`, problem, fix: 'use a query of your own'}
  }
}
