import {describe, expect, test} from 'vitest'
import {builtInAnswers} from './built-in.ts'
import {type ArmCounts, noRequests} from './compare/poll.ts'
import type {CountedPoll} from './polls.ts'

/** Polls in which the pods of slot b counted this, and the callers so much without telling how requests came. */
function pollsOf(...counts: ArmCounts[]): CountedPoll[] {
  return counts.map((b, index) => ({
    at: 1000 * (index + 1),
    milliseconds: 1000,
    sides: {
      caller: {a: noRequests, b: {total: b.total, failed: b.failed}, baseline: noRequests},
      destination: {a: noRequests, b, baseline: noRequests},
    },
  }))
}

/** What the callers and the pods say of slot b. */
function figures(metric: 'plaintextRequests' | 'requestSuccessRate', polls: CountedPoll[]): (number | undefined)[] {
  return builtInAnswers(metric, undefined, 'b', polls).map(({answer}) =>
    answer.kind === 'vector' ? answer.samples[0]?.value : undefined,
  )
}

describe('plaintext requests', () => {
  test('are counted over the window, by who can tell', () => {
    const polls = pollsOf({total: 10, failed: 0, plaintext: 0}, {total: 10, failed: 0, plaintext: 2})
    expect(figures('plaintextRequests', polls)).toEqual([undefined, 2])
    expect(figures('requestSuccessRate', polls)).toEqual([100, 100])
  })

  test('none among some is 0, none among none is no number: a gate never passes without traffic', () => {
    expect(figures('plaintextRequests', pollsOf({total: 5, failed: 0, plaintext: 0}))).toEqual([undefined, 0])
    expect(figures('plaintextRequests', pollsOf({total: 0, failed: 0, plaintext: 0}))).toEqual([undefined, Number.NaN])
    expect(figures('plaintextRequests', pollsOf(noRequests))).toEqual([undefined, undefined])
    expect(figures('plaintextRequests', [])).toEqual([undefined, undefined])
  })

  test('one whose client hung up counts all the same', () => {
    expect(figures('plaintextRequests', pollsOf({total: 0, failed: 0, plaintext: 1}))).toEqual([undefined, 1])
  })

  test('a poll that can not tell makes the window say nothing', () => {
    const polls = pollsOf({total: 5, failed: 0, plaintext: 0}, {total: 5, failed: 0})
    expect(figures('plaintextRequests', polls)).toEqual([undefined, undefined])
  })
})
