// What differs between the kinds of workload that hold a version's pods. A Deployment has as many pods as it is told, and
// is parked at zero. A DaemonSet has one on every node: its slot is empty when it isn't there, and its target is parked by
// the name of a node that doesn't exist. Services of the user's (serviceRefs) have pods that are none of our business.
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import {refTo} from '../../crds/meta.ts'
import {parkedNodeName} from '../../crds/names.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {Intent} from './intents.ts'

export type SlotKind = NonNullable<RolloutSpec['targetRef']>['kind']

/** Kind of the slots' workloads; undefined where the slots are Services of the user's. */
export function slotKindOf({targetRef, template}: RolloutSpec): SlotKind | undefined {
  return template ? 'Deployment' : targetRef?.kind
}

/** Settings around the template that a slot takes over from its target; a slot is filled while it is empty. */
export const workloadSettings: Readonly<Record<SlotKind, readonly string[]>> = {
  Deployment: ['strategy', 'minReadySeconds', 'progressDeadlineSeconds'],
  DaemonSet: ['minReadySeconds'],
}

/** Pods of a workload. */
export interface PodCounts {
  /** As many as it is to have. */
  wanted: number
  /** Those of the present template that are ready. */
  ready: number
  /** All that there are. */
  present: number
}

export function podCounts({kind, spec = {}, status = {}}: KubeObject): PodCounts {
  if (kind === 'DaemonSet') {
    return {
      wanted: status.desiredNumberScheduled ?? 0,
      ready: Math.min(status.numberReady ?? 0, status.updatedNumberScheduled ?? 0),
      present: Math.max(status.currentNumberScheduled ?? 0, status.numberMisscheduled ?? 0),
    }
  }
  return {
    wanted: spec.replicas ?? 0,
    ready: Math.min(status.readyReplicas ?? 0, status.updatedReplicas ?? 0),
    present: status.replicas ?? 0,
  }
}

/** Whether the workload's controller has seen its present spec. */
export function isObserved({metadata, status = {}}: KubeObject): boolean {
  return (status.observedGeneration ?? 0) >= (metadata.generation ?? 0)
}

/** Whether a target can't start pods, whatever is merged into its template. */
export function isParked({kind, spec = {}}: KubeObject): boolean {
  return kind === 'DaemonSet' ? spec.template?.spec?.nodeName === parkedNodeName : (spec.replicas ?? 0) === 0
}

/** Parks a target; nothing where it is parked. */
export function parked(target: KubeObject): Intent[] {
  if (isParked(target)) return []
  const ref = refTo(target)
  return target.kind === 'DaemonSet' ? [{kind: 'park', ref}] : [{kind: 'scale', ref, replicas: 0}]
}

/** A target's template as its owner wrote it: without what parks it. */
export function ownTemplate({kind, spec = {}}: KubeObject): NonNullable<KubeObject['spec']> {
  const {template = {}} = spec
  if (kind !== 'DaemonSet' || template.spec?.nodeName !== parkedNodeName) return template
  const {nodeName: _parked, ...pod} = template.spec
  return {...template, spec: pod}
}

/** Gives a slot's workload a number of pods; a DaemonSet has them all, or isn't there. */
export function scaled(workload: KubeObject, pods: number): Intent[] {
  const ref: ObjectRef = refTo(workload)
  if (workload.kind !== 'DaemonSet') return [{kind: 'scale', ref, replicas: pods}]
  return pods === 0 ? [{kind: 'delete', ref, uid: workload.metadata.uid ?? ''}] : []
}
