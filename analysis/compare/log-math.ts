// Sums and factorials in logarithms: an E-value of a bad release easily leaves the range of a double.

/** Stirling's series is exact to a double from here on. */
const leastStirlingArgument = 16
const halfLogTwoPi = 0.5 * Math.log(2 * Math.PI)

/** ln n! for an integer n >= 0. */
export function logFactorial(n: number): number {
  let argument = n + 1
  let shift = 0
  while (argument < leastStirlingArgument) {
    shift += Math.log(argument)
    argument++
  }
  const inverse = 1 / argument
  const square = inverse * inverse
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))))
  return (argument - 0.5) * Math.log(argument) - argument + halfLogTwoPi + series - shift
}

/** ln of the number of ways to choose k of n. */
export function logBinomial(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k)
}

/** ln of the sum of exponentials; negative infinity for none. */
export function logSumExp(values: readonly number[]): number {
  let largest = Number.NEGATIVE_INFINITY
  for (const value of values) largest = Math.max(largest, value)
  if (largest === Number.NEGATIVE_INFINITY) return largest
  let sum = 0
  for (const value of values) sum += Math.exp(value - largest)
  return largest + Math.log(sum)
}

/** ln of the arithmetic mean of exponentials. */
export function logMeanExp(values: readonly number[]): number {
  return logSumExp(values) - Math.log(values.length)
}
