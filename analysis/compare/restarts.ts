// An E-process that is begun anew every two minutes beside the ones that run already, so that a fault that begins late
// isn't outweighed by the good time before it. The weights of the restarts sum to one, so their mixture is an E-process.
import {logMeanExp, logSumExp} from './log-math.ts'

/** Mixture over restarts: ln of the weighted sum per alternative, and how many restarts are in it. */
export interface RestartedProcess {
  restarts: number
  /** One per alternative; empty before the first restart. */
  logs: number[]
}

export const notStarted: RestartedProcess = {restarts: 0, logs: []}

/** Share of the `index`-th begin, from 1 on: those of any number of them sum to less than 1. */
export function restartWeight(index: number): number {
  return weightFrom(index) - weightFrom(index + 1)
}

/** Shares of the `index`-th begin and of all after it. */
function weightFrom(index: number): number {
  return 1 / Math.sqrt(index)
}

/** Begins all restarts up to a number of them, then multiplies by the factors of a batch, given as logarithms. */
export function withIncrements(
  known: RestartedProcess,
  increments: readonly number[],
  restartsDue: number,
): RestartedProcess {
  const restarts = Math.max(known.restarts, restartsDue)
  // The weights of several restarts telescope.
  const entering = Math.log(weightFrom(known.restarts + 1) - weightFrom(restarts + 1))
  const logs = increments.map((increment, index) => {
    const before = known.logs[index] ?? Number.NEGATIVE_INFINITY
    return (restarts > known.restarts ? logSumExp([before, entering]) : before) + increment
  })
  return {restarts, logs}
}

/** ln E: the mean over the alternatives, and the weight of the restarts that are still to come. */
export function logEvidence({restarts, logs}: RestartedProcess): number {
  if (logs.length === 0) return 0
  return logSumExp([logMeanExp(logs), -0.5 * Math.log(restarts + 1)])
}
