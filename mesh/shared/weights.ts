// Weights of two slots, whatever carries them.
import type {Weights} from '../../crds/rollout-status.ts'

/** @throws RangeError when the weights aren't percentages that sum to 100 */
export function checkWeights({a, b}: Weights): void {
  if (Number.isInteger(a) && Number.isInteger(b) && a >= 0 && b >= 0 && a + b === 100) return
  throw new RangeError(`weights a ${a} and b ${b} are not whole percentages that sum to 100`)
}

/** What several rules carry if they carry the same; undefined when one can't be read, and without any. */
export function agreed(readings: readonly (Weights | undefined)[]): Weights | undefined {
  const [first] = readings
  return readings.every(one => one && one.a === first?.a && one.b === first.b) ? first : undefined
}
