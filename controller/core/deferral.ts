// Which changes of a status may wait for the next write. A status is written for what decides something; what only
// describes (messages, and the time from which a route is seen to carry its weights) would cost a write per pod.
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import {same} from './equality.ts'

/**
 * Whether a status differs from the one that is stored in nothing that a restart needs, so that it may be kept in memory
 * for a while: who loses it counts the settling time of a route anew, and says the same things again.
 */
export function deferrable(stored: RolloutStatus, decided: RolloutStatus): boolean {
  return stored.phase !== undefined && same(essence(stored), essence(decided))
}

function essence(status: RolloutStatus): unknown {
  const {message: _message, conditions, traffic, ...rest} = status
  const {inForceSince: _since, ...wish} = traffic ?? {}
  return {
    ...rest,
    traffic: traffic ? wish : undefined,
    conditions: (conditions ?? []).map(({message: _text, lastTransitionTime: _time, ...condition}) => condition),
  }
}
