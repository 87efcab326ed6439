// Arithmetic and comparison of two numbers.
import {unsupported} from './errors.ts'

export const comparisons: ReadonlySet<string> = new Set(['==', '!=', '>', '<', '>=', '<='])

/** The result of an operator; 1 or 0 for a comparison. */
export function combine(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right
    case '-':
      return left - right
    case '*':
      return left * right
    case '/':
      return left / right
    case '%':
      return left % right
    case '^':
      return power(left, right)
    case '==':
      return left === right ? 1 : 0
    case '!=':
      return left !== right ? 1 : 0
    case '>':
      return left > right ? 1 : 0
    case '<':
      return left < right ? 1 : 0
    case '>=':
      return left >= right ? 1 : 0
    case '<=':
      return left <= right ? 1 : 0
    default:
      throw unsupported(`the operator ${operator}`)
  }
}

/** As IEEE 754 and Go have it: one to whatever power is one, which JavaScript denies for NaN and the infinities. */
function power(base: number, exponent: number): number {
  const infinite = exponent === Number.POSITIVE_INFINITY || exponent === Number.NEGATIVE_INFINITY
  return base === 1 || (base === -1 && infinite) ? 1 : base ** exponent
}
