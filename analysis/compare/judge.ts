// One compare check: takes a poll into the evidence and says what the evidence comes to.
import type {CompareEvidence, ProportionEvidence} from '../../crds/evidence.ts'
import type {CheckResult} from '../../crds/rollout-status.ts'
import {areBegun, emptyBands, withBandCounts} from './band-counts.ts'
import {oddsRatioOf} from './confidence-sequence.ts'
import {explain} from './explain.ts'
import type {Batch} from './hypergeometric.ts'
import {logMeanExp} from './log-math.ts'
import {dispersionOf} from './overdispersion.ts'
import {type ArmCounts, type Durations, noRequests, type Poll} from './poll.ts'
import {anew, atStepBegin, logEvidenceOf, neededRequests, noEvidence, withBatch, withPrimary} from './proportion.ts'
import {alphaOfBands, type BandFinding, bandTolerance, slowestBound} from './quantile-bands.ts'
import type {CompareSettings} from './settings.ts'

/** No evidence yet. */
export function emptyEvidence(settings: CompareSettings): CompareEvidence {
  const questions = Math.max(1, settings.slowerThanMilliseconds.length)
  const {harmlessShare, harmlessOdds, harmfulShare, harmfulOdds} = settings.margins
  return {
    name: settings.name,
    harmless: [harmlessShare, harmlessOdds],
    harmful: [harmfulShare, harmfulOdds],
    ...(settings.against === 'baseline' ? {against: settings.against} : {}),
    proportions: Array.from({length: questions}, () => noEvidence),
    ...(settings.metric === 'requestDuration' ? {bands: emptyBands} : {}),
  }
}

/** The evidence at the begin of a step: other than the processes for harm, bands are about one weight alone. */
export function beginStep(evidence: CompareEvidence): CompareEvidence {
  return withBandsAnew(withQuestions(evidence, atStepBegin))
}

/** The bands start anew, also those that an incident would bring back. */
export function withBandsAnew(evidence: CompareEvidence): CompareEvidence {
  const {bands, apart} = evidence
  if (!bands) return evidence
  return {...evidence, bands: emptyBands, ...(apart ? {apart: {...apart, bands: emptyBands}} : {})}
}

/** Changes what is known of every question, also what an incident would bring back. */
export function withQuestions(
  evidence: CompareEvidence,
  change: (question: ProportionEvidence) => ProportionEvidence,
): CompareEvidence {
  const {apart, proportions} = evidence
  return {
    ...evidence,
    proportions: proportions.map(change),
    ...(apart ? {apart: {...apart, proportions: apart.proportions.map(change)}} : {}),
  }
}

/** What a poll says of one check: the evidence with it, and where it stands now. */
export interface Judged {
  evidence: CompareEvidence
  standing: Standing
}

/** Where a check stands. */
export interface Standing {
  kind: 'rollback' | 'advance' | 'inconclusive' | 'incident' | 'noTraffic' | 'noSharedBounds'
  /** The proportion that speaks loudest, by its place. */
  question: number
  /** The bands, not the proportions, speak for the rollback. */
  bands?: BandFinding
  /** Who fails too, in an incident. */
  suffering?: CompareSettings['against']
  /** Further clean canary requests that would let the step advance. */
  needed: number
}

/** Takes a poll into the evidence and judges it. Never throws; counts that are no counts are refused before. */
export function judgePoll(settings: CompareSettings, known: CompareEvidence, read: Poll): Judged {
  const {before, poll} = read.separateScrapes ? keptApart(settings, known, read) : {before: known, poll: read}
  const taken = withPoll(settings, before, poll)
  if (!taken) return {evidence: before, standing: {kind: 'noSharedBounds', question: 0, needed: 0}}
  const incident = incidentOf(settings, poll)
  // Evidence for advancing starts anew; that for harm and the bands, which say nothing of advancing, go on.
  const evidence = incident ? withQuestions(taken, atStepBegin) : taken
  const harm = harmOf(settings, evidence)
  const standing = standingOf(settings, evidence, incident)
  if (!poll.separateScrapes) {
    const held = {...evidence, harmHeld: harm !== undefined}
    return {evidence: held, standing: harm ? {...standing, ...harm, kind: 'rollback'} : standing}
  }
  // Only a poll that is evidence itself may confirm the one before it; any other leaves it waiting to be confirmed.
  const spoke = isEvidence(settings, poll)
  const confirmed = harm !== undefined && spoke && known.harmHeld === true
  const harmHeld = harm !== undefined && (spoke || known.harmHeld === true)
  return {
    evidence: {...evidence, harmHeld},
    standing: confirmed ? {...standing, ...harm, kind: 'rollback'} : standing,
  }
}

/** Whether a poll counts and holds requests of the canary. */
function isEvidence({metric}: CompareSettings, {counts, canary}: Poll): boolean {
  const requests = metric === 'requestErrors' ? canary.total : (canary.durations?.total ?? 0)
  return counts && requests > 0
}

/**
 * Arms of different scrapes see an incident that both share at different times: then a poll beside one looks like the
 * fault of one version. So polls in an incident of the primary, the one before and the one after are no evidence.
 */
function keptApart(
  settings: CompareSettings,
  known: CompareEvidence,
  read: Poll,
): {before: CompareEvidence; poll: Poll} {
  const {apart, ...rest} = known
  const incident = incidentOf(settings, read) !== undefined
  const beside = incident || apart?.incident === true
  const {bands: _bands, ...bare} = rest
  const takenBack = incident && apart && !apart.incident
  const evidence = takenBack
    ? {...bare, proportions: apart.proportions, ...(apart.bands ? {bands: apart.bands} : {})}
    : rest
  const {proportions, bands} = evidence
  return {
    before: {...evidence, apart: {proportions, ...(bands ? {bands} : {}), incident}},
    poll: beside ? {...read, counts: false} : read,
  }
}

/** The result that the status, the event and the alert carry. */
export function resultOf(
  settings: CompareSettings,
  {evidence, standing}: Judged,
  poll: Pick<Poll, 'separateScrapes'>,
  evaluatedAt: string,
): CheckResult {
  const question = evidence.proportions[standing.question] ?? noEvidence
  const log = logEvidenceOf(question)
  const facts = {
    // Alone it is held to a margin of its own, from the begin of the bake on.
    canary: settings.alone ? question.canaryStep : question.canary,
    primary: question.primary,
    ...(settings.against === 'baseline' ? {against: settings.against} : {}),
    oddsRatio: oddsRatioOf(question.logLikelihoods, settings.alpha),
    harm: {value: bounded(harmEvidence(settings, question)), boundary: rollbackBoundary(settings)},
    harmless: {value: bounded(log.advance), boundary: 1 / settings.beta},
    overdispersion: dispersionOf(question.dispersion),
    ...(question.boundMilliseconds === undefined ? {} : {slowerThanMilliseconds: question.boundMilliseconds}),
    ...(standing.kind === 'inconclusive' ? {needed: standing.needed} : {}),
    ...(standing.bands ? {bands: bandFacts(standing.bands)} : {}),
  }
  return {
    name: settings.name,
    ...explain(settings, standing, facts, poll.separateScrapes),
    evidence: facts,
    evaluatedAt,
  }
}

function bandFacts({boundMilliseconds, canary, primary, distance, radius}: BandFinding) {
  return {boundMilliseconds, canary, primary, distance, radius, tolerance: bandTolerance}
}

/** An E-value that fits into a number. */
function bounded(logarithm: number): number {
  return Math.min(Math.exp(logarithm), Number.MAX_VALUE)
}

function withPoll(settings: CompareSettings, before: CompareEvidence, poll: Poll): CompareEvidence | undefined {
  if (settings.metric === 'requestErrors') {
    const [question = noEvidence] = before.proportions
    const {canary, primary, own = primary} = poll
    return {...before, proportions: [taken(settings, question, batchOf(canary, primary), poll, own)]}
  }
  const [canary, primary] = [poll.canary.durations, poll.primary.durations]
  if (!canary || !primary) return before
  const proportions: ProportionEvidence[] = []
  const own = poll.own ? poll.own.durations : primary
  const shared = sharedBounds(canary, primary, own)
  if (shared.length === 0 && canary.total + primary.total === 0) return before
  for (const [index, wanted] of settings.slowerThanMilliseconds.entries()) {
    const known = before.proportions[index] ?? noEvidence
    const bound = boundOf(known, shared, wanted)
    if (bound === undefined) return undefined
    const question = known.boundMilliseconds === undefined || known.boundMilliseconds === bound ? known : anew(known)
    const slow = (arm: Durations): ArmCounts => {
      const place = arm.bounds.indexOf(bound)
      return {total: arm.total, failed: place < 0 ? 0 : arm.total - (arm.counts[place] ?? 0)}
    }
    const usual = own?.bounds.includes(bound) ? slow(own) : noRequests
    proportions.push({
      ...taken(settings, question, batchOf(slow(canary), slow(primary)), poll, usual),
      boundMilliseconds: bound,
      slowerThanMilliseconds: wanted,
    })
  }
  return poll.counts ? withBands({...before, proportions}, canary, primary) : {...before, proportions}
}

function withBands(evidence: CompareEvidence, canary: Durations, primary: Durations): CompareEvidence {
  const {bands: before = emptyBands, bandsBegun = 0} = evidence
  const bands = withBandCounts(before, canary, primary)
  return {...evidence, bands, ...(!areBegun(before) && areBegun(bands) ? {bandsBegun: bandsBegun + 1} : {})}
}

/** Bounds that both arms have; an arm without requests has no series, and so no bounds of its own. */
function sharedBounds(canary: Durations, primary: Durations, own: Durations = primary): readonly number[] {
  const [first, second] = [canary, primary].filter(({total}) => total > 0)
  if (!first) return own.bounds
  return second ? first.bounds.filter(bound => second.bounds.includes(bound)) : first.bounds
}

/** The bound that a question is about: the one that it has been about, unless an arm lacks it or another is asked for. */
function boundOf(known: ProportionEvidence, shared: readonly number[], wanted: number): number | undefined {
  const {boundMilliseconds: bound, slowerThanMilliseconds: asked = wanted} = known
  return bound !== undefined && asked === wanted && shared.includes(bound) ? bound : snapped(shared, wanted)
}

/** The smallest bound at or above the wanted one, else the largest there is. */
function snapped(bounds: readonly number[], wanted: number): number | undefined {
  return bounds.find(bound => bound >= wanted) ?? bounds.at(-1)
}

function batchOf(canary: ArmCounts, primary: ArmCounts): Batch {
  return {
    canaryFailed: canary.failed,
    canaryTotal: canary.total,
    primaryFailed: primary.failed,
    primaryTotal: primary.total,
  }
}

/** @param usual requests of the primary that its overdispersion is learnt from */
function taken(
  settings: CompareSettings,
  question: ProportionEvidence,
  batch: Batch,
  poll: Poll,
  usual: ArmCounts,
): ProportionEvidence {
  const counted = poll.counts ? withBatch(question, batch, poll.at, settings.margins) : question
  return withPrimary(counted, {failed: usual.failed, total: usual.total}, poll.milliseconds)
}

/** Who fails more than the objective: beside a baseline also the primary's own pods, which have more requests to tell it. */
function incidentOf(
  {against, incidentRequests, incidentShare}: CompareSettings,
  {primary, own}: Poll,
): CompareSettings['against'] | undefined {
  const fails = ({failed, total}: ArmCounts) => total >= incidentRequests && failed / total > incidentShare
  if (fails(primary)) return against
  return own && fails(own) ? 'primary' : undefined
}

/** ln E of one question: for errors both parts at once, for latency the relative part alone. */
function harmEvidence(settings: CompareSettings, question: ProportionEvidence): number {
  const {rollbackAbsolute, rollbackRelative} = logEvidenceOf(question)
  if (settings.alone) return rollbackAbsolute
  return settings.metric === 'requestErrors' ? Math.min(rollbackAbsolute, rollbackRelative) : rollbackRelative
}

/** What the E-value for harm must reach. Latency has two ways to it, bounds and bands, which share alpha evenly. */
function rollbackBoundary({alpha, metric}: CompareSettings): number {
  return metric === 'requestErrors' ? 1 / alpha : 2 / alpha
}

/** Undefined while there is no evidence of harm. */
function harmOf(
  settings: CompareSettings,
  evidence: CompareEvidence,
): {question: number; bands?: BandFinding} | undefined {
  const values = evidence.proportions.map(question => harmEvidence(settings, question))
  if (logMeanExp(values) >= Math.log(rollbackBoundary(settings))) {
    return {question: values.indexOf(Math.max(...values))}
  }
  const [question] = evidence.proportions
  if (settings.alone || !evidence.bands || !question) return undefined
  const alpha = alphaOfBands(settings.alpha / 2, evidence.bandsBegun)
  const finding = slowestBound(evidence.bands, alpha, dispersionOf(question.dispersion))
  return finding && finding.excess >= 0 ? {question: 0, bands: finding} : undefined
}

/** Where a check without evidence of harm stands. */
function standingOf(
  settings: CompareSettings,
  evidence: CompareEvidence,
  suffering: CompareSettings['against'] | undefined,
): Standing {
  const needs = evidence.proportions.map(question => neededRequests(question, settings.margins, settings.beta))
  const needed = Math.max(...needs)
  const question = needs.indexOf(needed)
  if (suffering) return {kind: 'incident', question, needed, suffering}
  if (evidence.proportions.every(({canaryStep}) => canaryStep.total === 0)) return {kind: 'noTraffic', question, needed}
  return {kind: needed === 0 ? 'advance' : 'inconclusive', question, needed}
}
