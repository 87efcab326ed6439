// Settings that are edited in mid-release: what was gathered for another question answers no question any more.
import {describe, expect, test} from 'vitest'
import type {Evidence} from '../../crds/evidence.ts'
import {type JudgedStep, judgeComparisons} from '../comparisons.ts'
import type {ReportingSide, SlotCounts} from '../polls.ts'
import {noRequests} from './poll.ts'
import type {CompareSettings} from './settings.ts'
import {requests, settingsOf, timed} from './test-support.ts'

const step: JudgedStep = {id: '0', since: 0, canary: 'b', primary: 'a', compared: true}
const alone: JudgedStep = {...step, id: 'bake', compared: false}

interface Turn {
  settings: CompareSettings
  canary: SlotCounts['b']
  primary: SlotCounts['a']
  baseline?: SlotCounts['baseline']
  in?: JudgedStep
  side?: ReportingSide
}

/** Polls one after the other, each under its own settings; the evidence goes through the status as JSON. */
function after(turns: readonly Turn[], before?: Evidence) {
  let evidence = before
  let last: ReturnType<typeof judgeComparisons> | undefined
  const begin = before ? Date.parse(before.through) : 0
  for (const [
    index,
    {settings, canary, primary, baseline = noRequests, in: of = step, side = 'caller'},
  ] of turns.entries()) {
    const at = begin + (index + 1) * 15_000
    const poll = {at, milliseconds: 15_000, sides: {[side]: {a: primary, b: canary, baseline}}}
    last = judgeComparisons([settings], of, evidence, {at, kind: 'counted', poll})
    evidence = JSON.parse(JSON.stringify(last.evidence)) as Evidence
  }
  const [result] = last?.results ?? []
  const [check] = evidence?.checks ?? []
  if (!evidence || !result || !check) throw new Error('no polls')
  return {evidence, result, check, question: check.proportions[0]}
}

const errors = (compare: object = {}, analysis: object = {}) =>
  settingsOf({metric: 'requestErrors', ...compare}, analysis)
const standard = errors()
const low = errors({}, {preset: 'lowTraffic'})
/** The restless hour before: failures of the primary come ten at a time. */
const restless = (settings: CompareSettings): Turn[] =>
  [10, 0, 10, 0, 0, 10].map(failed => ({
    settings,
    canary: noRequests,
    primary: requests(failed, 1350),
    in: {...step, since: 1e9},
  }))

describe('the harmful margin', () => {
  const clean = (settings: CompareSettings, total: number): Turn => ({
    settings,
    canary: requests(0, total),
    primary: requests(0, 9 * total),
  })

  test('what was clean by five percent is not clean by one', () => {
    const edited = after([clean(low, 150), clean(standard, 1)])
    expect(edited.result).toMatchObject({verdict: 'inconclusive', evidence: {needed: 434}})
    expect(after([clean(low, 150), clean(standard, 434)]).result.verdict).toBe('inconclusive')
    expect(after([clean(low, 150), clean(standard, 435)]).result.verdict).toBe('pass')
  })

  test.each([{percent: 2}, {oddsRatio: 4}])('each part of it: %j', harmful => {
    const edited = errors({harmful})
    expect(after([clean(standard, 300), clean(edited, 1)]).question?.advanceAbsolute).toEqual(
      after([clean(edited, 1)]).question?.advanceAbsolute,
    )
  })

  test('the evidence of harm, the requests that are told and those without a bad one go on', () => {
    const bad: Turn = {settings: standard, canary: requests(2, 150), primary: requests(1, 1350)}
    const edited = after([...restless(standard), bad, {...bad, settings: low}])
    const same = after([...restless(standard), bad, bad])
    const told = ({question}: ReturnType<typeof after>) => {
      const {advanceAbsolute: _absolute, advanceRelative: _relative, ...rest} = question ?? {}
      return rest
    }
    expect(told(edited)).toEqual(told(same))
    expect(edited.question?.canaryStep).toEqual({failed: 4, total: 300})
  })

  test('is the one of a version that has all of the traffic, for harm too', () => {
    const bake = (settings: CompareSettings, failed: number): Turn => ({
      settings,
      canary: requests(failed, 150),
      primary: noRequests,
      in: alone,
    })
    const before: Turn[] = [clean(standard, 500), bake(standard, 5)]
    const lax = errors({harmful: {percent: 10}})
    expect(after([...before, bake(lax, 5)]).question?.rollbackAbsolute).toEqual(
      after([clean(lax, 500), {...bake(lax, 0), canary: noRequests}, bake(lax, 5)]).question?.rollbackAbsolute,
    )
    const stricter = errors({harmless: {percent: 0.01}})
    expect(after([...before, bake(stricter, 5)]).question?.rollbackAbsolute).toEqual(
      after([...before, bake(standard, 5)]).question?.rollbackAbsolute,
    )
  })
})

describe('the harmless margin', () => {
  const poor = (settings: CompareSettings): Turn => ({settings, canary: requests(4, 150), primary: requests(1, 1350)})
  const tolerant = errors({harmless: {percent: 5, oddsRatio: 3}})

  test('what was harm by a tenth of a percent is none by five percent', () => {
    expect(after([poor(standard), poor(standard)]).result.verdict).toBe('fail')
    const edited = after([poor(standard), poor(tolerant)])
    expect(edited.result.verdict).toBe('inconclusive')
    expect(edited.result.evidence?.harm).toEqual(after([poor(tolerant)]).result.evidence?.harm)
  })

  test.each([{percent: 0.2}, {oddsRatio: 2}])('each part of it: %j', harmless => {
    const edited = errors({harmless})
    const {rollbackRelative, rollbackAbsolute, firstBatchAt} = after([poor(standard), poor(edited)]).question ?? {}
    const fresh = after([poor(edited)]).question
    expect(rollbackRelative).toEqual(fresh?.rollbackRelative)
    expect(rollbackAbsolute).toEqual(fresh?.rollbackAbsolute)
    expect(firstBatchAt).toBe('1970-01-01T00:00:30.000Z')
  })

  test('the evidence of harmlessness, how the primary scatters and the requests go on', () => {
    const edited = after([...restless(standard), poor(standard), poor(tolerant)])
    const same = after([...restless(standard), poor(standard), poor(standard)])
    for (const key of [
      'advanceAbsolute',
      'advanceRelative',
      'dispersion',
      'canary',
      'primary',
      'canaryStep',
    ] as const) {
      expect(edited.question?.[key]).toEqual(same.question?.[key])
    }
    expect(edited.result.evidence?.overdispersion).toBeGreaterThan(2)
  })

  test('arms scraped apart: neither an incident nor a second poll brings the harm of before back', () => {
    const apart = (turn: Turn): Turn => ({...turn, side: 'destination'})
    const bad: Turn = {settings: standard, canary: requests(9, 150), primary: requests(1, 1350)}
    const begun = after([apart(bad)])
    expect(begun.check.harmHeld).toBe(true)
    const strict = errors({harmless: {percent: 0.2}})
    const once = apart({...bad, settings: strict})
    expect(after([once], begun.evidence).result.verdict).toBe('inconclusive')
    expect(after([once, once], begun.evidence).result.verdict).toBe('fail')
    const incident = apart({settings: strict, canary: requests(100, 150), primary: requests(900, 1350)})
    // What it takes back to is the evidence before the last poll, which was gathered for the old margin too.
    const longer = after([apart(poor(standard)), apart(poor(standard))])
    expect(after([incident], longer.evidence).question?.rollbackRelative).toEqual({restarts: 0, logs: []})
  })
})

test.each([{alpha: 0.05}, {beta: 0.1}, {sharedIncident: {percent: 1}}])(
  'an edit of what the evidence does not rest on leaves it: %j',
  analysis => {
    const poll: Turn = {settings: standard, canary: requests(1, 150), primary: requests(7, 1350)}
    const edited = after([poll, {...poll, settings: errors({}, analysis)}])
    expect(edited.question).toEqual(after([poll, poll]).question)
  },
)

describe('whom it is compared with', () => {
  const beside = {...step, primary: 'baseline'} as const
  const against = errors({}, {baseline: true})
  const primary = requests(0, 1350)
  const poll = (failed: number, baseline: boolean): Turn => ({
    settings: baseline ? against : standard,
    canary: requests(failed, 150),
    primary,
    baseline: requests(failed, 150),
    in: baseline ? beside : step,
  })

  test('what it was beside the primary says nothing of how it is beside a baseline, and the other way round', () => {
    for (const to of [true, false]) {
      const edited = after([...restless(standard), poll(4, !to), poll(1, to)])
      const fresh = after([...restless(standard), {...poll(0, !to), canary: noRequests}, poll(1, to)])
      for (const key of ['rollbackRelative', 'advanceRelative', 'advanceAbsolute', 'logLikelihoods'] as const) {
        expect(edited.question?.[key]).toEqual(fresh.question?.[key])
      }
      expect(edited.result.evidence).toMatchObject({
        canary: {failed: 1, total: 150},
        primary: to ? {failed: 1, total: 150} : primary,
      })
      expect(edited.result.evidence?.overdispersion).toBeGreaterThan(2)
    }
  })

  test('the bands begin anew, and spend a share of alpha of their own', () => {
    const settings = (baseline: boolean) => settingsOf({metric: 'requestDuration', slowerThan: '500ms'}, {baseline})
    const arm = timed([10, 500], [100, 150], 150)
    const {check} = after([
      {settings: settings(false), canary: arm, primary: arm},
      {settings: settings(true), canary: arm, primary: arm, baseline: arm, in: beside},
    ])
    expect(check.bands).toMatchObject({canaryTotal: 150, primaryTotal: 150})
    expect(check.bandsBegun).toBe(2)
  })

  test('a bake beside the old version goes on with the harm that was seen beside the baseline', () => {
    const bake = {...step, id: 'holdback'}
    const {question} = after([poll(2, true), {...poll(2, true), in: bake}])
    expect(question?.rollbackRelative.restarts).toBe(1)
    expect(question?.canary).toEqual({failed: 4, total: 300})
  })

  test('a bake without the old version keeps what that one did', () => {
    const turns: Turn[] = [poll(1, true), {...poll(1, false), in: alone}, {...poll(1, true), in: alone}]
    expect(after(turns).question?.primary.total).toBeGreaterThan(0)
    expect(after(turns).question?.canaryStep.total).toBe(300)
  })
})

describe('another metric, or another number of bounds', () => {
  const arm = timed([100, 500], [1400, 1450], 1500, 3)
  const latency = (...furtherBounds: string[]) =>
    settingsOf({metric: 'requestDuration', slowerThan: '500ms', ...(furtherBounds.length > 0 ? {furtherBounds} : {})})

  test('the evidence of one metric is none of the other', () => {
    for (const [from, to] of [
      [standard, latency()],
      [latency(), standard],
    ] as const) {
      const edited = after([
        {settings: from, canary: arm, primary: arm},
        {settings: to, canary: arm, primary: arm},
      ])
      const fresh = after([{settings: to, canary: arm, primary: arm}])
      expect(edited.result.evidence).toEqual(fresh.result.evidence)
    }
  })

  test('a further bound begins all of them anew, but not how the primary scatters, nor the bands', () => {
    const slow = (count: number) => timed([100, 500], [1350 - count, 1350 - count], 1350)
    const warm: Turn[] = restless(latency()).map((turn, index) => ({
      ...turn,
      canary: timed([], [], 0),
      primary: slow(index % 2 === 0 ? 10 : 0),
    }))
    const edited = after([
      ...warm,
      {settings: latency(), canary: arm, primary: arm},
      {settings: latency('100ms'), canary: arm, primary: arm},
    ])
    expect(edited.check.proportions.map(({canary}) => canary.total)).toEqual([1500, 1500])
    for (const {dispersion} of edited.check.proportions) expect(dispersion.weights).toBeGreaterThan(0)
    expect(edited.check).toMatchObject({bands: {canaryTotal: 3000}, bandsBegun: 1})
  })
})

describe('a status of a version that did not say what its evidence is for', () => {
  const bad: Turn = {settings: standard, canary: requests(4, 150), primary: requests(1, 1350)}
  const old = (evidence: Evidence): Evidence => ({
    ...evidence,
    checks: evidence.checks.map(({harmless: _harmless, harmful: _harmful, bandsBegun: _begun, ...check}) => check),
  })

  test('nothing that decides is taken over; what is told, and how the primary scatters, is', () => {
    const known = old(after([...restless(standard), bad]).evidence)
    const {question} = after([bad], known)
    const fresh = after([...restless(standard), bad]).question
    expect(question?.rollbackRelative).toEqual(fresh?.rollbackRelative)
    expect(question?.advanceAbsolute).toEqual(fresh?.advanceAbsolute)
    expect(question?.canary).toEqual({failed: 8, total: 300})
    expect(question?.primary.total).toBe(2700)
    expect(question?.dispersion.weights).toBeGreaterThan(0)
  })

  test('bands begin anew as well', () => {
    const settings = settingsOf({metric: 'requestDuration', slowerThan: '500ms'})
    const arm = timed([10, 500], [100, 150], 150)
    const turn: Turn = {settings, canary: arm, primary: arm}
    expect(after([turn], old(after([turn, turn]).evidence)).check).toMatchObject({
      bands: {canaryTotal: 150},
      bandsBegun: 1,
    })
  })
})
