// What people and dashboards see of a pass: log lines, metrics and Kubernetes events.
import {timeOf} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import type {Note} from '../core/intents.ts'
import type {Clock, ClusterError} from '../ports.ts'
import type {EventRecorder} from './event-recorder.ts'
import {lasting} from './hindrances.ts'
import type {Logger} from './log.ts'
import {slotNamesOf} from './mesh-context.ts'
import type {RolloutObserver} from './rollout-reconciler.ts'
import type {SlotRole, Telemetry} from './telemetry.ts'

export interface RolloutObserverOptions {
  log: Logger
  telemetry: Telemetry
  events: EventRecorder
  clock: Clock
}

export function createRolloutObserver(options: RolloutObserverOptions): RolloutObserver {
  const {log, telemetry, events, clock} = options
  return {
    decided(rollout, before, after) {
      const {namespace = '', name} = rollout.metadata
      if (after.phase) telemetry.setRollout(namespace, name, after.phase, after.canaryWeight ?? 0)
      telemetry.setSlots(namespace, name, slotRoles(rollout, after))
      countEnded(telemetry, namespace, name, before, after)
      if (before.phase === after.phase) return
      if (before.phase) telemetry.observePhase(before.phase, secondsInPhase(before, clock.now()))
      log.info(
        {
          rollout: `${namespace}/${name}`,
          from: before.phase,
          to: after.phase,
          revision: after.canary?.revision ?? after.primary?.revision,
        },
        'phase changed',
      )
    },
    noted(rollout: KubeObject, notes: Note[]) {
      const {namespace, name} = rollout.metadata
      for (const note of notes) {
        log.info({rollout: `${namespace}/${name}`, reason: note.reason, detail: note.message}, 'event')
        events.record(rollout, note.type, note.reason, note.message)
      }
    },
    refused(rollout: KubeObject, object: string, error: ClusterError) {
      const {namespace, name} = rollout.metadata
      log.warn(
        {rollout: `${namespace}/${name}`, object, status: error.status, reason: error.reason, detail: error.message},
        'refused by the API server',
      )
      telemetry.countReconcileError('rollout', lasting(error) ? 'terminal' : 'transient')
    },
    forgotten: (namespace, name) => telemetry.forget(namespace, name),
  }
}

/** A release that has come to the head of the history since. */
function countEnded(
  telemetry: Telemetry,
  namespace: string,
  name: string,
  before: RolloutStatus,
  after: RolloutStatus,
): void {
  const [ended] = after.history ?? []
  if (ended && ended.id !== before.history?.[0]?.id)
    telemetry.countRelease(namespace, name, ended.outcome, ended.reason)
}

function secondsInPhase(status: RolloutStatus, now: number): number {
  const since = status.release?.phaseSince ?? status.conditions?.find(one => one.type === 'Ready')?.lastTransitionTime
  return since === undefined ? 0 : (now - timeOf(since)) / 1000
}

/** What each slot holds, by the Rollout's status. */
function slotRoles(rollout: KubeObject, status: RolloutStatus): SlotRole[] {
  const names = slotNamesOf(rollout, rollout.spec)
  return (['primary', 'canary', 'previous'] as const).flatMap(role => {
    const content = status[role]
    if (!content) return []
    const {slot, revision} = content
    return [{slot, role, revision, workload: names[slot]}]
  })
}
