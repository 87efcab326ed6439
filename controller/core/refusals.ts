// What a user has to change before Fairlead touches anything, or starts another release. Each finding names the object,
// the field and the fix; none of them ever stops a rollback.
import type {KubeObject} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import {analysisProblems} from './analysis-problems.ts'
import {foreignOwners} from './apex.ts'
import {checkProblems} from './check-problems.ts'
import type {Observation, Problem} from './observation.ts'
import {isOurs} from './owned.ts'
import {previewProblems} from './preview.ts'
import {strategyProblems} from './strategy-problems.ts'

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
    ...targetProblems(observation),
    ...replicasProblems(observation),
    ...slotProblems(observation),
    ...apexProblems(observation),
    ...autoscalerProblems(observation),
    ...meshProblems(observation),
  ]
}

function rolloutName(observation: Observation): string {
  return `Rollout ${observation.meshContext.rollout.namespace}/${observation.meshContext.rollout.name}`
}

function describe(object: KubeObject): string {
  return `${object.kind} ${object.metadata.namespace ? `${object.metadata.namespace}/` : ''}${object.metadata.name}`
}

function specProblems(observation: Observation): Problem[] {
  const {spec, meshContext, siblings, rollout} = observation
  const object = rolloutName(observation)
  const found: Problem[] = []
  if (Math.max(meshContext.slots.a.length, meshContext.slots.b.length) > maximumName) {
    found.push({
      reason: 'NameTooLong',
      object,
      field: 'spec.targetRef.name',
      problem: `the slot's name ${meshContext.slots.a} is longer than ${maximumName} characters`,
      fix: `use a target whose name has at most ${maximumName - 2} characters`,
    })
  }
  const rival = siblings.find(one => one.spec?.targetRef?.name === spec.targetRef.name && older(one, rollout))
  if (rival) {
    found.push({
      reason: 'TargetClaimed',
      object,
      field: 'spec.targetRef.name',
      problem: `${describe(rival)} already releases Deployment ${spec.targetRef.name}`,
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
function apexOf({spec}: KubeObject): unknown {
  return spec?.service?.name ?? spec?.targetRef?.name
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

function targetProblems(observation: Observation): Problem[] {
  const {target, spec, claims} = observation
  if (!target) {
    return [
      {
        reason: 'TargetMissing',
        object: rolloutName(observation),
        field: 'spec.targetRef.name',
        problem: `there is no Deployment ${spec.targetRef.name} in this namespace`,
        fix: 'create it, or name another',
      },
    ]
  }
  const object = describe(target)
  const found: Problem[] = []
  if (target.spec?.strategy?.type === 'Recreate') {
    found.push({
      reason: 'StrategyRecreate',
      object,
      field: 'spec.strategy.type',
      problem: 'Recreate says that two versions must not run at once, and a release runs two',
      fix: 'use RollingUpdate',
    })
  }
  const pod = target.spec?.template?.spec ?? {}
  for (const container of [...(pod.initContainers ?? []), ...(pod.containers ?? [])]) {
    const port = (container.ports ?? []).find((one: {hostPort?: number}) => one.hostPort)
    if (port || pod.hostNetwork) {
      found.push({
        reason: 'HostPorts',
        object,
        field: `spec.template.spec.containers[name=${container.name}].ports`,
        problem: 'both slots would need the same port of a node',
        fix: 'remove hostPort and hostNetwork',
      })
      break
    }
  }
  for (const claim of claims) {
    const modes: string[] = claim.spec?.accessModes ?? []
    if (modes.includes('ReadWriteMany') || modes.includes('ReadOnlyMany')) continue
    found.push({
      reason: 'ExclusiveVolume',
      object,
      field: 'spec.template.spec.volumes',
      problem: `PersistentVolumeClaim ${claim.metadata.name} (${modes.join(', ')}) can't be mounted by both slots`,
      fix: 'use a claim with ReadWriteMany or ReadOnlyMany',
    })
  }
  return found
}

function replicasProblems(observation: Observation): Problem[] {
  const {target, spec} = observation
  if (!target) return []
  const object = describe(target)
  const field = 'spec.replicas'
  const fix = `remove spec.replicas from the manifest (set spec.replicas of the Rollout instead) and apply it again`
  const [owner] = foreignOwners(target, ['spec', 'replicas'], ['Apply'])
  const text: string | undefined = target.metadata.annotations?.['kubectl.kubernetes.io/last-applied-configuration']
  const clientSide = text !== undefined && appliesReplicas(text)
  if (!owner && !clientSide) return []
  const who = owner ?? 'kubectl apply'
  return [
    {
      reason: 'ReplicasOwnedElsewhere',
      object,
      field,
      problem: `${who} sets the replicas of ${spec.targetRef.name}, so that a merge would start unproven pods by itself`,
      fix,
    },
  ]
}

function appliesReplicas(text: string): boolean {
  try {
    const applied: unknown = JSON.parse(text)
    return (applied as {spec?: {replicas?: unknown}} | null)?.spec?.replicas !== undefined
  } catch {
    return false
  }
}

function slotProblems(observation: Observation): Problem[] {
  const {slots} = observation
  return [slots.a.workload, slots.a.service, slots.b.workload, slots.b.service]
    .filter(object => object !== undefined)
    .filter(object => !isOurs(observation, object))
    .map(object => ({
      reason: 'ForeignSlot',
      object: describe(object),
      field: 'metadata.name',
      problem: 'it has the name of a slot and was not made by Fairlead for this Rollout',
      fix: 'rename or delete it',
    }))
}

function apexProblems(observation: Observation): Problem[] {
  const {apex, spec, mesh, meshContext} = observation
  const object = `Service ${meshContext.rollout.namespace}/${meshContext.apex.name}`
  if (!apex) {
    if (spec.service.ports) return []
    return [
      {
        reason: 'ServiceMissing',
        object,
        field: 'spec.service',
        problem: 'there is no such Service',
        fix: 'create it, or give spec.service.ports so that Fairlead makes it',
      },
    ]
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
  const [owner] = foreignOwners(apex, ['spec', 'selector'], ['Apply'])
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

function autoscalerProblems(observation: Observation): Problem[] {
  const {autoscalers, spec, meshContext} = observation
  return autoscalers
    .filter(
      one => one.spec?.scaleTargetRef?.kind === 'Deployment' && one.spec.scaleTargetRef.name === spec.targetRef.name,
    )
    .map(one => ({
      reason: 'AutoscalerOnTarget',
      object: describe(one),
      field: 'spec.scaleTargetRef',
      problem: `it scales Deployment ${spec.targetRef.name}, which Fairlead keeps at zero`,
      fix: `point it at apiVersion fairlead.dev/v1alpha1, kind Rollout, name ${meshContext.rollout.name}`,
    }))
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
