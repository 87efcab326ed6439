// What the answers of a scenario say.
import {expect} from 'vitest'
import {binomialBounds} from '../envoy/figures.ts'
import type {Observed, Report} from './report.ts'

/** A share may be outside its bounds in one of ten thousand cases though nothing is wrong. */
const outside = 1e-4

/** Which server answered each request, or the status where a proxy did. */
export function answers(observed: readonly Observed[]): (string | number)[] {
  return observed.map(({server, status}) => server ?? status)
}

/** Holds when a server answered its share of the requests. */
export function expectShare(observed: readonly Observed[], server: string, percent: number): void {
  expectBinomial(answers(observed).filter(answer => answer === server).length, observed.length, percent)
}

/** Holds when so many of the trials may have had a chance. */
export function expectBinomial(count: number, trials: number, percent: number): void {
  const {least, greatest} = binomialBounds(trials, percent / 100, outside)
  expect(count).toBeGreaterThanOrEqual(least)
  expect(count).toBeLessThanOrEqual(greatest)
}

/** Holds when users without a cookie are shared out, and get the cookie of the version that answered. */
export function expectNewUsers(observed: readonly Observed[]): void {
  expectShare(observed, 'checkout-b', 30)
  for (const {server, cookies} of observed) {
    const value = server === 'checkout-b' ? 'r2' : 'r2.not.30'
    expect(cookies).toEqual([`fairlead-checkout=${value}; Max-Age=60; Path=/; HttpOnly; SameSite=Lax`])
  }
}

/**
 * Holds when all requests went to one server, then to each of the others in turn, and every request under way meanwhile got an
 * answer of the one or of the other.
 */
export function expectSwitches({observed, moves}: Report[string], servers: readonly string[]): void {
  let [before] = answers(observed)
  expect(new Set(answers(observed))).toEqual(new Set([before]))
  expect(moves.map(({after}) => [...new Set(answers(after))])).toEqual(servers.map(server => [server]))
  for (const {meanwhile, after} of moves) {
    const [next] = answers(after)
    expect(new Set(meanwhile.map(({status}) => status))).toEqual(new Set([200]))
    expect(new Set(answers(meanwhile))).toEqual(new Set([before, next]))
    before = next
  }
}
