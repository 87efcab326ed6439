// The status of a Pod, as the kubelet writes it.
import {createHash} from 'node:crypto'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {podAddress} from './names.ts'
import {timestamp} from './timestamps.ts'

/** What the kubelet knows of a Pod. */
export type PodState =
  | {kind: 'unschedulable'; message: string}
  | {kind: 'waiting'; reason: string; message?: string}
  | {kind: 'running'; startedAt: number; ready: boolean; restartCount: number; lastCrashAt?: number}

interface PodCondition {
  type: string
  status: string
  reason?: string
  message?: string
  lastProbeTime: null
  lastTransitionTime: string
}

/** The status of a Pod in a state, given its present status: times of conditions that didn't change are kept. */
export function podStatus(pod: KubeObject, state: PodState, nowMilliseconds: number): JsonObject {
  const old: PodCondition[] = pod.status?.conditions ?? []
  const condition = (type: string, holds: boolean, why: {reason?: string; message?: string} = {}): PodCondition => {
    const status = holds ? 'True' : 'False'
    const known = old.find(one => one.type === type)
    const lastTransitionTime = known?.status === status ? known.lastTransitionTime : timestamp(nowMilliseconds)
    return {type, status, ...(holds ? {} : why), lastProbeTime: null, lastTransitionTime}
  }
  const kept = {qosClass: pod.status?.qosClass ?? 'BestEffort'}
  if (state.kind === 'unschedulable') {
    const scheduled = condition('PodScheduled', false, {reason: 'Unschedulable', message: state.message})
    return {phase: 'Pending', conditions: [scheduled], ...kept} as unknown as JsonObject
  }
  const ready = state.kind === 'running' && state.ready
  const names: string[] = (pod.spec?.containers ?? []).map((container: {name: string}) => container.name)
  const unready = {reason: 'ContainersNotReady', message: `containers with unready status: [${names.join(' ')}]`}
  return {
    phase: state.kind === 'running' ? 'Running' : 'Pending',
    conditions: [
      condition('PodReadyToStartContainers', true),
      condition('Initialized', true),
      condition('Ready', ready, unready),
      condition('ContainersReady', ready, unready),
      condition('PodScheduled', true),
    ],
    hostIP: podAddress,
    hostIPs: [{ip: podAddress}],
    podIP: podAddress,
    podIPs: [{ip: podAddress}],
    startTime: pod.status?.startTime ?? timestamp(nowMilliseconds),
    containerStatuses: (pod.spec?.containers ?? []).map((container: Container) =>
      containerStatus(container, pod, state),
    ),
    ...kept,
  } as unknown as JsonObject
}

interface Container {
  name: string
  image?: string
}

function containerStatus(
  container: Container,
  pod: KubeObject,
  state: Exclude<PodState, {kind: 'unschedulable'}>,
): object {
  const image = container.image ?? ''
  const common = {name: container.name, image}
  if (state.kind === 'waiting') {
    const {reason, message} = state
    const waiting = message === undefined ? {reason} : {reason, message}
    return {...common, imageID: '', ready: false, started: false, restartCount: 0, lastState: {}, state: {waiting}}
  }
  const startedAt = timestamp(state.startedAt)
  const crash = state.lastCrashAt === undefined ? {} : {terminated: crashed(state.lastCrashAt)}
  return {
    ...common,
    imageID: `${image}@sha256:${hash(image)}`,
    containerID: `playground://${hash(`${pod.metadata.uid}/${container.name}/${state.restartCount}`)}`,
    ready: state.ready,
    started: true,
    restartCount: state.restartCount,
    lastState: crash,
    state: {running: {startedAt}},
  }
}

function crashed(atMilliseconds: number): object {
  return {exitCode: 137, reason: 'Error', finishedAt: timestamp(atMilliseconds)}
}

function hash(content: string): string {
  return createHash('sha256').update(content).digest('hex')
}

/** True when a Pod's Ready condition holds. */
export function isPodReady(pod: KubeObject): boolean {
  return readyCondition(pod)?.status === 'True'
}

/** When a Pod became ready, in milliseconds; undefined when it isn't. */
export function readySince(pod: KubeObject): number | undefined {
  const condition = readyCondition(pod)
  return condition?.status === 'True' ? Date.parse(condition.lastTransitionTime) : undefined
}

function readyCondition(pod: KubeObject): PodCondition | undefined {
  return pod.status?.conditions?.find((one: PodCondition) => one.type === 'Ready')
}
