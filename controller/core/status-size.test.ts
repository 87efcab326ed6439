// Law 10: however large its parts, a Rollout's status stays under 64 KiB.
import fc from 'fast-check'
import {describe, expect, test} from 'vitest'
import {emptyEvidence, judgePoll} from '../../analysis/compare/judge.ts'
import {compareSettings} from '../../analysis/compare/settings.ts'
import type {Evidence} from '../../crds/evidence.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import {type RolloutStatus, rolloutStatus} from '../../crds/rollout-status.ts'
import {withinBound} from './status-size.ts'

const bound = 64 * 1024
const bytes = (status: RolloutStatus) => Buffer.byteLength(JSON.stringify(status))
const time = '2026-01-01T00:00:00.000Z'
/** The largest share of each list and text, and what texts are made of. */
interface Fill {
  lists: number
  texts: number
  letter: string
}
const everything: Fill = {lists: 1, texts: 1, letter: 'x'}

/** Evidence of the most questions that a release begins with, after weeks of polls, with the arms scraped apart. */
function largestEvidence(): Evidence {
  const checks = ['1s', '2s', '4s', '8s', '16s', '32s', '64s', '128s', '256s', '512s'].map((slowerThan, index) => ({
    name: `check-${index}`,
    compare: {metric: 'requestDuration', slowerThan},
  }))
  const spec = rolloutSpec.parse({
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'checkout'},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 10}]}},
    analysis: {checks},
  })
  const bounds = Array.from({length: 64}, (_, index) => (index + 1) * 10_007)
  const arm = (total: number) => ({
    failed: 0,
    total,
    durations: {bounds, counts: bounds.map((_, index) => Math.floor((total * (index + 1)) / 65)), total},
  })
  const known = compareSettings(spec.analysis).map(settings => {
    let evidence = emptyEvidence(settings)
    for (let poll = 0; poll < 3; poll++) {
      evidence = judgePoll(settings, evidence, {
        at: 1_700_000_000_000 + poll * 15_000,
        milliseconds: 15_000,
        separateScrapes: true,
        counts: true,
        canary: arm(123_456_789 + poll),
        primary: arm(987_654_321 + poll),
      }).evidence
    }
    return evidence
  })
  return {through: time, step: '0', checks: known}
}
const evidence = largestEvidence()

const image = 'registry.example.com/'.padEnd(1024, 'i')
const reason = 'R'.repeat(64)
const tally = {failed: Number.MAX_SAFE_INTEGER, total: Number.MAX_SAFE_INTEGER}
const eValue = {value: Number.MAX_VALUE, boundary: 133.33333333333334}
const facts = {
  canary: tally,
  primary: tally,
  against: 'baseline' as const,
  oddsRatio: {
    estimate: 1.2345678901234567,
    low: 0.12345678901234568,
    high: 12.345678901234567,
    confidence: 0.9933333333333333,
  },
  harm: eValue,
  harmless: eValue,
  overdispersion: 1.2345678901234567,
  needed: 999_999_999,
}
const checkName = (index: number) => `check-${index}`.padEnd(63, 'n')

/** Makes texts and lists of the size that is asked for. */
function maker({lists, texts, letter}: Fill) {
  const text = (most: number) => letter.repeat(Math.floor((most * texts) / letter.length))
  const many = <T>(most: number, one: (index: number) => T) =>
    Array.from({length: Math.floor(most * lists)}, (_, index) => one(index))
  return {text, many, commit: {hash: 'c'.repeat(64), author: text(256), subject: text(256)}}
}

/** A status as full as code can make it. */
function filled(fill: Fill): RolloutStatus {
  const {text, many, commit} = maker(fill)
  const content = (slot: 'a' | 'b') => ({
    slot,
    revision: 'r'.repeat(63),
    image,
    imageIDs: many(20, index => `${index}`.padEnd(1024, 'd')),
    commit,
    filledAt: time,
  })
  return {
    phase: 'Baking',
    message: text(40),
    replicas: 10_000,
    selector: 's'.repeat(500),
    canaryWeight: 50,
    step: '50/50',
    primary: content('a'),
    canary: content('b'),
    previous: content('b'),
    traffic: {wanted: {a: 50, b: 50}, since: time, inForceSince: time, confirmed: {a: 50, b: 50}, confirmedAt: time},
    capacity: 10_000,
    releases: 1_000_000,
    release: release(fill),
    rejected: many(10, index => ({revision: `${index}`.padEnd(63, 'r'), reason, at: time})),
    commands: Object.fromEntries(many(5, index => [`command-${index}`, 'v'.repeat(253)])),
    ...told(fill),
  }
}

function release(fill: Fill): NonNullable<RolloutStatus['release']> {
  const {text, many} = maker(fill)
  return {
    id: '1000000-r'.padEnd(63, 'r'),
    startedAt: time,
    phaseSince: time,
    stepIndex: 49,
    stepSince: time,
    evidence,
    thresholds: many(20, index => ({name: checkName(index), through: time, outcomes: 'pf'.repeat(10)})),
    weightsSeen: many(52, index => index),
    requests: tally,
    rollback: {outcome: 'RolledBack', reason, message: text(2048), startedAt: time, drainingSince: time},
  }
}

/** What is there for people. */
function told(fill: Fill): Pick<RolloutStatus, 'checks' | 'history' | 'alerts' | 'conditions'> {
  const {text, many, commit} = maker(fill)
  return {
    checks: many(20, index => ({
      name: checkName(index),
      verdict: 'inconclusive' as const,
      reason,
      value: 1.2345678901234567,
      evidence: facts,
      message: text(1024),
      evaluatedAt: time,
    })),
    history: many(10, index => ({
      id: `${index}`.padEnd(63, 'h'),
      revision: 'r'.repeat(63),
      image,
      commit,
      outcome: 'Promoted' as const,
      reason,
      message: text(2048),
      startedAt: time,
      endedAt: time,
      weights: many(52, weight => weight),
      requests: tally,
    })),
    alerts: many(20, index => ({
      id: `${index}`.padEnd(253, 'a'),
      event: 'E'.repeat(64),
      severity: 'error' as const,
      title: text(512),
      text: text(4096),
      fields: Object.fromEntries(many(30, field => [`field ${field}`, text(2048)])),
      createdAt: time,
      channels: many(20, channel => `${channel}`.padEnd(253, 'c')),
    })),
    conditions: many(20, index => ({
      type: `Type${index}`.padEnd(64, 't'),
      status: 'True' as const,
      reason,
      message: text(1024),
      lastTransitionTime: time,
      observedGeneration: 1,
    })),
  }
}

/** What the state machine resumes from: never shed. */
function kept(status: RolloutStatus): unknown {
  const {phase, traffic, capacity, releases, rejected, commands, primary, canary} = status
  const known = status.release
  return {
    phase,
    traffic,
    capacity,
    releases,
    rejected,
    commands,
    slots: [primary, canary].map(content => [content?.slot, content?.revision, content?.image]),
    release: [known?.id, known?.stepIndex, known?.stepSince, known?.thresholds, known?.rollback?.outcome],
    harm: known?.evidence?.checks.map(({proportions}) =>
      proportions.map(({rollbackRelative, rollbackAbsolute, advanceRelative, advanceAbsolute, canary: counted}) => [
        rollbackRelative,
        rollbackAbsolute,
        advanceRelative,
        advanceAbsolute,
        counted,
      ]),
    ),
  }
}

describe('the largest inputs', () => {
  const letters = ['x', 'ü', '€', '"', '\u0001', '😀']

  test.each(letters)('texts of %j: under 64 KiB, and nothing is lost that a release goes on from', letter => {
    const large = filled({...everything, letter})
    expect(bytes(large)).toBeGreaterThan(10 * bound)
    const fitting = withinBound(large)
    expect(bytes(fitting)).toBeLessThan(bound)
    expect(kept(fitting)).toEqual(kept(large))
    expect(rolloutStatus.safeParse(fitting).error).toBeUndefined()
    expect(fitting.checks?.map(({name, verdict, reason}) => [name, verdict, reason])).toEqual(
      large.checks?.map(({name, verdict, reason}) => [name, verdict, reason]),
    )
  })

  test('whatever the sizes: under the bound, valid, once and for all, and untouched when it fits', () => {
    const fills = fc.record({
      lists: fc.double({min: 0, max: 1, noNaN: true}),
      texts: fc.double({min: 0, max: 1, noNaN: true}),
      letter: fc.constantFrom(...letters),
    })
    fc.assert(
      fc.property(fills, fill => {
        const status = filled(fill)
        const fitting = withinBound(status)
        expect(bytes(fitting)).toBeLessThan(bound)
        expect(kept(fitting)).toEqual(kept(status))
        expect(withinBound(fitting)).toBe(fitting)
        if (bytes(status) < bound) expect(fitting).toBe(status)
      }),
      {numRuns: 60},
    )
  })

  test('evidence of more questions than a release may begin with gives way at last', () => {
    const large = filled(everything)
    const checks = Array.from({length: 20}, (_, index) => ({
      ...evidence.checks[0],
      name: `more-${index}`,
      proportions: Array.from({length: 4}, () => evidence.checks[0]?.proportions[0]),
    }))
    const {release} = large
    const status = {...large, release: {...release, evidence: {...evidence, checks}}} as RolloutStatus
    expect(bytes(withinBound(status))).toBeLessThan(bound)
  })
})

describe('the order', () => {
  /** A status that is too large by its history and alerts alone. */
  const status = (): RolloutStatus => {
    const {history, alerts, ...rest} = filled(everything)
    const small = filled({lists: 0, texts: 0, letter: 'x'})
    return {
      ...small,
      release: {
        ...(rest.release ?? {id: '', startedAt: time, phaseSince: time, weightsSeen: []}),
        evidence: {...evidence, checks: []},
      },
      ...(history ? {history} : {}),
      ...(alerts ? {alerts: alerts.slice(0, 2).map(alert => ({...alert, fields: {}, channels: ['on-call']}))} : {}),
    }
  }

  test('messages of the history give way before anything else', () => {
    const one = status()
    const padded = {...one, history: one.history?.map(entry => ({...entry, message: entry.message.repeat(3)})) ?? []}
    const fitting = withinBound(padded)
    expect(fitting.history?.length).toBe(10)
    expect(fitting.history?.[0]?.message).toMatch(/^x{157}…$/)
    expect(fitting.alerts).toEqual(padded.alerts)
    expect(fitting.release).toEqual(padded.release)
  })

  test('then the oldest of it, one by one, before texts of alerts', () => {
    const one = status()
    const alerts = Array.from({length: 9}, () => one.alerts?.[0]).flatMap(alert => alert ?? [])
    const fitting = withinBound({...one, alerts})
    expect(fitting.history?.length).toBeGreaterThan(1)
    expect(fitting.history?.length).toBeLessThan(10)
    expect(fitting.history?.[0]?.id).toBe(one.history?.[0]?.id)
    expect(fitting.alerts).toEqual(alerts)
  })

  test('then texts of alerts, of which none is lost', () => {
    const one = status()
    const alerts = Array.from({length: 14}, () => one.alerts?.[0]).flatMap(alert => alert ?? [])
    const fitting = withinBound({...one, alerts})
    expect(fitting.history?.length).toBe(1)
    expect(fitting.alerts?.length).toBe(14)
    expect(fitting.alerts?.[0]?.text).toMatch(/^x{509}…$/)
  })
})
