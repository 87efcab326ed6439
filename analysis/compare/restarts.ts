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

/** Begins all restarts up to a number of them, then multiplies by the factors of a batch, given as logarithms. */
export function withIncrements(
  known: RestartedProcess,
  increments: readonly number[],
  restartsDue: number,
): RestartedProcess {
  const restarts = Math.max(known.restarts, restartsDue)
  // The weights w_j = 1/sqrt(j) - 1/sqrt(j+1) of several restarts telescope.
  const entering = Math.log(1 / Math.sqrt(known.restarts + 1) - 1 / Math.sqrt(restarts + 1))
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
