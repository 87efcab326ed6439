// What stands in the way of running a workload in two slots: said before any value is touched.
import {parkedNodeName} from '../../crds/names.ts'
import {foreignOwners} from './apex.ts'
import {describe, rolloutName} from './describe.ts'
import type {Observation, Problem} from './observation.ts'
import {isOurs} from './owned.ts'
import {sourceObject, sourceTemplate} from './revision.ts'
import {serviceRefProblems} from './service-refs.ts'

export function workloadProblems(observation: Observation): Problem[] {
  if (observation.spec.serviceRefs) return serviceRefProblems(observation)
  return [
    ...targetProblems(observation),
    ...templateProblems(observation),
    ...volumeProblems(observation),
    ...replicasProblems(observation),
    ...slotProblems(observation),
    ...autoscalerProblems(observation),
  ]
}

function targetProblems(observation: Observation): Problem[] {
  const {target, spec} = observation
  const {targetRef} = spec
  if (!targetRef) return []
  if (!target) {
    return [
      {
        reason: 'TargetMissing',
        object: rolloutName(observation),
        field: 'spec.targetRef.name',
        problem: `there is no ${targetRef.kind} ${targetRef.name} in this namespace`,
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
  const nodeName: string | undefined = target.spec?.template?.spec?.nodeName
  if (target.kind === 'DaemonSet' && nodeName && nodeName !== parkedNodeName) {
    found.push({
      reason: 'NodeNameInUse',
      object,
      field: 'spec.template.spec.nodeName',
      problem: 'Fairlead parks a DaemonSet by this field, and it names a node',
      fix: 'leave it out, and choose nodes with nodeSelector or affinity',
    })
  }
  return found
}

function templateProblems(observation: Observation): Problem[] {
  const subject = sourceObject(observation)
  const {spec: pod = {}} = sourceTemplate(observation) as {spec?: PodSpec}
  for (const container of subject ? [...(pod.initContainers ?? []), ...(pod.containers ?? [])] : []) {
    const port = (container.ports ?? []).find(one => one.hostPort)
    if (!subject || (!port && !pod.hostNetwork)) continue
    return [
      {
        reason: 'HostPorts',
        object: describe(subject),
        field: `spec.template.spec.containers[name=${container.name}].ports`,
        problem: 'both slots would need the same port of a node',
        fix: 'remove hostPort and hostNetwork',
      },
    ]
  }
  return []
}

interface Container {
  name: string
  ports?: {hostPort?: number}[]
}

interface PodSpec {
  hostNetwork?: boolean
  initContainers?: Container[]
  containers?: Container[]
}

function volumeProblems(observation: Observation): Problem[] {
  const subject = sourceObject(observation)
  if (!subject) return []
  return observation.claims.flatMap(claim => {
    const modes: string[] = claim.spec?.accessModes ?? []
    if (modes.includes('ReadWriteMany') || modes.includes('ReadOnlyMany')) return []
    return [
      {
        reason: 'ExclusiveVolume',
        object: describe(subject),
        field: 'spec.template.spec.volumes',
        problem: `PersistentVolumeClaim ${claim.metadata.name} (${modes.join(', ')}) can't be mounted by both slots`,
        fix: 'use a claim with ReadWriteMany or ReadOnlyMany',
      },
    ]
  })
}

function replicasProblems(observation: Observation): Problem[] {
  const {target} = observation
  if (target?.kind !== 'Deployment') return []
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
      problem: `${who} sets the replicas of ${target.metadata.name}, so that a merge would start unproven pods by itself`,
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

function autoscalerProblems(observation: Observation): Problem[] {
  const {autoscalers, spec, meshContext} = observation
  const {targetRef} = spec
  if (!targetRef) return []
  return autoscalers
    .filter(one => one.spec?.scaleTargetRef?.kind === targetRef.kind && one.spec.scaleTargetRef.name === targetRef.name)
    .map(one => ({
      reason: 'AutoscalerOnTarget',
      object: describe(one),
      field: 'spec.scaleTargetRef',
      problem: `it scales ${targetRef.kind} ${targetRef.name}, which Fairlead keeps at zero`,
      fix: `point it at apiVersion fairlead.dev/v1alpha1, kind Rollout, name ${meshContext.rollout.name}`,
    }))
}
