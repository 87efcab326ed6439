// What a user has to change before Fairlead touches anything, or starts another release. Each finding names the object,
// the field and the fix; none of them ever stops a rollback.
import type {KubeObject} from '../../crds/meta.ts'
import {baseNameOf, labels} from '../../crds/names.ts'
import {analysisProblems} from './analysis-problems.ts'
import {foreignOwners} from './apex.ts'
import {checkProblems} from './check-problems.ts'
import {describe, rolloutName} from './describe.ts'
import type {Observation, Problem} from './observation.ts'
import {previewProblems} from './preview.ts'
import {strategyProblems} from './strategy-problems.ts'
import {workloadProblems} from './workload-problems.ts'

/** Longest name of a Service, and so of a slot. */
const maximumName = 63

export function refusals(observation: Observation): Problem[] {
  return [
    ...specProblems(observation),
    ...strategyProblems(observation),
    ...previewProblems(observation),
    ...analysisProblems(observation),
    ...checkProblems(observation),
    ...secretProblems(observation),
    ...workloadProblems(observation),
    ...apexProblems(observation),
    ...meshProblems(observation),
  ]
}

function specProblems(observation: Observation): Problem[] {
  const {spec, meshContext, siblings, rollout} = observation
  const object = rolloutName(observation)
  const found: Problem[] = []
  if (Math.max(meshContext.slots.a.length, meshContext.slots.b.length) > maximumName) {
    found.push({
      reason: 'NameTooLong',
      object,
      field: spec.targetRef ? 'spec.targetRef.name' : 'metadata.name',
      problem: `the slot's name ${meshContext.slots.a} is longer than ${maximumName} characters`,
      fix: `use a ${spec.targetRef ? 'target' : 'Rollout'} whose name has at most ${maximumName - 2} characters`,
    })
  }
  const base = baseNameOf(rollout.metadata.name, spec)
  const rival = siblings.find(
    one => !one.spec?.serviceRefs && baseNameOf(one.metadata.name, one.spec) === base && older(one, rollout),
  )
  if (rival && !spec.serviceRefs) {
    found.push({
      reason: 'TargetClaimed',
      object,
      field: spec.targetRef ? 'spec.targetRef.name' : 'metadata.name',
      problem: `${describe(rival)} already has the slots ${base}-a and ${base}-b`,
      fix: 'delete one of the two Rollouts',
    })
  }
  const service = meshContext.apex.name
  const other = siblings.find(one => apexOf(one) === service && older(one, rollout))
  if (other && other !== rival)
    found.push(serviceClaimed(observation, object, `${describe(other)} already releases through Service ${service}`))
  return found
}

/** Name of the apex Service of another Rollout. */
function apexOf({metadata, spec}: KubeObject): string {
  return spec?.service?.name ?? baseNameOf(metadata.name, spec)
}

/** Each of two Rollouts would move the selector and the route of one Service, in turn. */
function serviceClaimed(observation: Observation, object: string, problem: string): Problem {
  const field = 'spec.service.name'
  return {
    reason: 'ServiceClaimed',
    object,
    field,
    problem: `${problem}, and so would ${rolloutName(observation)}`,
    fix: `give each of the two Rollouts a Service of its own in ${field}, or delete one of them`,
  }
}

function secretProblems(observation: Observation): Problem[] {
  const {spec, secretsHidden, meshContext} = observation
  if (!secretsHidden || spec.revision.trackSecrets.length === 0) return []
  const {namespace} = meshContext.rollout
  return [
    {
      reason: 'SecretsNotTracked',
      object: rolloutName(observation),
      field: 'spec.revision.trackSecrets',
      problem: `the controller was not given the Secrets of namespace ${namespace}`,
      fix: `add ${namespace} to secrets.trackedNamespaces of the chart (--secret-namespaces), or track none`,
    },
  ]
}

function older(left: KubeObject, right: KubeObject): boolean {
  const times = [left.metadata.creationTimestamp ?? '', right.metadata.creationTimestamp ?? ''] as const
  return times[0] === times[1] ? left.metadata.name < right.metadata.name : times[0] < times[1]
}

function apexProblems(observation: Observation): Problem[] {
  const {apex, spec, mesh, meshContext} = observation
  const object = `Service ${meshContext.rollout.namespace}/${meshContext.apex.name}`
  if (!apex) {
    const said = {reason: 'ServiceMissing', object, field: 'spec.service', problem: 'there is no such Service'}
    if (spec.serviceRefs) {
      const problem = `${said.problem}, and none is made beside spec.serviceRefs`
      return [{...said, problem, fix: 'create it, with a selector for callers outside the mesh'}]
    }
    if (spec.service.ports) return []
    return [{...said, fix: 'create it, or give spec.service.ports so that Fairlead makes it'}]
  }
  const found: Problem[] = []
  const {type, clusterIP, selector} = apex.spec ?? {}
  if (type === 'ExternalName')
    found.push({
      reason: 'ExternalNameService',
      object,
      field: 'spec.type',
      problem: 'an ExternalName Service has no pods',
      fix: 'use a ClusterIP Service',
    })
  if (clusterIP === 'None')
    found.push({
      reason: 'HeadlessService',
      object,
      field: 'spec.clusterIP',
      problem: 'callers of a headless Service pick pods themselves, past every weight',
      fix: 'use a ClusterIP Service',
    })
  if (type !== 'ExternalName' && Object.keys(selector ?? {}).length === 0) {
    found.push({
      reason: 'ServiceWithoutSelector',
      object,
      field: 'spec.selector',
      problem: 'the Service selects no pods',
      fix: "give it the labels of the target's pods",
    })
  }
  const {namespace, name} = meshContext.rollout
  const [other] = [apex.metadata.labels?.[labels.rollout], selector?.[labels.rollout]].filter(
    one => one !== undefined && one !== name,
  )
  if (other !== undefined) {
    const claimed = serviceClaimed(observation, object, `it leads to Rollout ${namespace}/${other}`)
    const lives = observation.siblings.some(one => one.metadata.name === other)
    const fix = `Rollout ${other} is gone: take the labels ${labels.rollout} and ${labels.slot} out of the Service`
    found.push(lives ? claimed : {...claimed, fix})
  }
  const [owner] = spec.serviceRefs ? [] : foreignOwners(apex, ['spec', 'selector'], ['Apply'])
  if (owner && spec.service.selector === 'exclusive') {
    const accept = mesh.bySelector ? '' : ', or accept it with spec.service.selector: shared in the Rollout'
    found.push({
      reason: 'ApexNotOwned',
      object,
      field: 'spec.selector',
      problem: `${owner} applies the selector, so that Fairlead can't keep callers outside the mesh away from canary pods`,
      fix: `leave spec.selector out of what it applies${accept}`,
    })
  }
  return found
}

function meshProblems(observation: Observation): Problem[] {
  const {mesh, meshContext, meshObjects, missingKinds} = observation
  if (missingKinds.length > 0) {
    return [
      {
        reason: 'MeshNotInstalled',
        object: rolloutName(observation),
        field: 'spec.traffic',
        problem: `the API server does not serve ${missingKinds.join(', ')}, or the controller was told not to look (--meshes)`,
        fix: `install ${mesh.name}, turn it on in the chart's value meshes, or choose another mesh`,
      },
    ]
  }
  return mesh.problems(meshContext, meshObjects)
}
