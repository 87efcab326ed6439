// One plain sentence for where a check stands, in terms of requests.

import type {Tally} from '../../crds/evidence.ts'
import type {CheckResult, ComparisonFacts} from '../../crds/rollout-status.ts'
import {maximumMessageLength} from '../checks.ts'
import type {Standing} from './judge.ts'
import type {CompareSettings} from './settings.ts'

type Verdict = Pick<CheckResult, 'verdict' | 'reason' | 'message'>

/** Above this the primary's failures come in clusters that people should know of. */
const notableOverdispersion = 1.5

export function explain(
  settings: CompareSettings,
  standing: Standing,
  facts: ComparisonFacts,
  separateScrapes: boolean,
): Verdict {
  const finding = findingOf(settings, standing, facts)
  const clustered =
    facts.overdispersion >= notableOverdispersion
      ? `; failures come in clusters of about ${figure(facts.overdispersion)}, so each weighs less`
      : ''
  const weaker = separateScrapes
    ? '; weaker evidence: the arms were scraped apart, so harm must show twice running'
    : ''
  const alone = settings.alone ? aloneText(settings) : ''
  return {...finding, message: `${finding.message}${clustered}${weaker}${alone}`.slice(0, maximumMessageLength)}
}

function findingOf(settings: CompareSettings, standing: Standing, facts: ComparisonFacts): Verdict {
  const arms = armsText(facts, settings)
  switch (standing.kind) {
    case 'rollback':
      return facts.bands
        ? {verdict: 'fail', reason: 'Slower', message: bandText(facts.bands, settings)}
        : {
            verdict: 'fail',
            reason: 'Harmful',
            message: `${arms}${oddsText(facts, settings)}; ${evidenceText('harm', facts.harm)}`,
          }
    case 'advance':
      return {
        verdict: 'pass',
        reason: 'Harmless',
        message: `${arms}${oddsText(facts, settings)}; ${evidenceText('harmless', facts.harmless)}`,
      }
    case 'inconclusive': {
      const more = `about ${count(standing.needed)} more canary requests without one that ${verbOf(facts)} would do`
      const sofar = `${oddsText(facts, settings)}; ${evidenceText('harmless', facts.harmless)}`
      return {verdict: 'inconclusive', reason: 'MoreRequestsNeeded', message: `${arms}${sofar}; ${more}`}
    }
    case 'incident': {
      const limit = `${figure(settings.incidentShare * 100)} %`
      const message = `the ${standing.suffering ?? settings.against} fails more than ${limit} of its requests too: both versions suffer, so the weight holds; ${arms}`
      return {verdict: 'inconclusive', reason: 'SharedIncident', message}
    }
    case 'noTraffic':
      return {verdict: 'noData', reason: 'NoTraffic', message: 'the canary has had no request in this step'}
    case 'noSharedBounds': {
      const message = `the histograms of canary and ${settings.against} have no bucket bound in common near slowerThan: give both the same buckets`
      return {verdict: 'error', reason: 'NoSharedBounds', message}
    }
    default:
      return standing.kind satisfies never
  }
}

function aloneText({margins}: CompareSettings): string {
  return `; it has all of the traffic, so it is held to ${figure(margins.harmfulShare * 100)} %, which the old version's share in this release allows`
}

function verbOf(facts: ComparisonFacts): string {
  return facts.slowerThanMilliseconds === undefined ? 'fails' : `is slower than ${facts.slowerThanMilliseconds} ms`
}

function armsText({canary, primary, slowerThanMilliseconds}: ComparisonFacts, {against}: CompareSettings): string {
  return slowerThanMilliseconds === undefined
    ? `the canary failed ${shareText(canary)}, the ${against} ${shareText(primary)}`
    : `slower than ${slowerThanMilliseconds} ms were ${shareText(canary)} of the canary and ${shareText(primary)} of the ${against}`
}

function shareText({failed, total}: Tally): string {
  const percent = total === 0 ? '' : ` (${figure((100 * failed) / total)} %)`
  return `${count(failed)} of ${count(total)} requests${percent}`
}

function oddsText({oddsRatio}: ComparisonFacts, {against, alpha, alone}: CompareSettings): string {
  if (alone) return ''
  const {low, high, estimate, confidence: level = 1 - alpha} = oddsRatio
  if (low === undefined && high === undefined) return ''
  const confidence = `${Number((100 * level).toPrecision(4))} % confidence sequence`
  const interval = high === undefined ? `at least ${figure(low ?? 0)}` : `${figure(low ?? 0)} to ${figure(high)}`
  return estimate === undefined
    ? `; the odds are ${interval} times the ${against}'s (${confidence})`
    : `; the odds are ${figure(estimate)} times the ${against}'s (${confidence}: ${interval})`
}

function evidenceText(what: string, {value, boundary}: {value: number; boundary: number}): string {
  return `evidence that it is ${what === 'harm' ? 'worse' : what} ${figure(value)}, boundary ${figure(boundary)}`
}

function bandText(bands: NonNullable<ComparisonFacts['bands']>, {against}: CompareSettings): string {
  const {boundMilliseconds, canary, primary, distance, radius, tolerance} = bands
  const within = ({failed, total}: Tally) => `${figure((100 * (total - failed)) / total)} %`
  const [apart, chance, more] = [distance, radius, tolerance].map(share => figure(100 * share))
  return `${within(canary)} of the canary's ${count(canary.total)} requests took at most ${boundMilliseconds} ms, of the ${against}'s ${count(primary.total)} ${within(primary)}: ${apart} points apart, where chance allows ${chance} and the tolerance ${more}`
}

function count(value: number): string {
  return value.toLocaleString('en-US')
}

function figure(value: number): string {
  if (value >= 1e6) return value.toExponential(1)
  return String(Number(value.toPrecision(value >= 100 ? 3 : 2)))
}
