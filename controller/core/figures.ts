// The evidence of a decision in words and figures: one sentence per check for events and history, fields for alerts.
import {checksInForce} from '../../analysis/checks.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {CheckResult, ComparisonFacts} from '../../crds/rollout-status.ts'
import {named} from './judgement.ts'
import type {World} from './world.ts'

type Fields = Record<string, string>

/** Longest text of all checks together; an event takes 1024 characters. */
const maximumSentences = 800
/** Longest name of an alert's field. */
const maximumFieldName = 64

/** Results of the checks that are in force, by the names of a step; all of them without names. */
function inForceOf({observation, spec}: World, names: readonly string[] | undefined): readonly CheckResult[] {
  const checks = new Set(named(checksInForce(spec.analysis.checks), names).map(({name}) => name))
  return (observation.analysis?.results ?? []).filter(({name, dryRun}) => checks.has(name) && !dryRun)
}

/** What each check in force said last, as sentences that share the room; empty where none said anything. */
export function checkSentences(world: World, names: readonly string[] | undefined): string {
  const results = inForceOf(world, names)
  const room = Math.floor(maximumSentences / Math.max(1, results.length))
  return results.map(({name, message}) => `Check ${name}: ${cut(message, room - name.length - 9)}.`).join(' ')
}

function cut(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, Math.max(0, room - 1))}…`
}

/** One field for each check in force, with what it said and its figures. */
export function fieldsOfChecks(world: World, names: readonly string[] | undefined): Fields {
  const all = inForceOf(world, names).map(result => {
    const figures = Object.entries(figuresOf(world.spec, result)).map(([name, value]) => `${name} ${value}`)
    return [`check ${result.name}`.slice(0, maximumFieldName), [result.verdict, ...figures].join('; ')]
  })
  return Object.fromEntries(all)
}

/** The check that decided, with its figures and bounds. */
export function fieldsOfCheck({spec}: World, result: CheckResult | undefined): Fields {
  if (!result) return {}
  const name = result.verdict === 'fail' ? 'failed check' : 'check'
  return {[name]: result.name, ...figuresOf(spec, result)}
}

/** Requests of the canary since the release began. */
export function requestFields(requests: {total: number; failed: number} | undefined): Fields {
  return requests ? {'canary requests': String(requests.total), 'canary failed': String(requests.failed)} : {}
}

function figuresOf({analysis}: RolloutSpec, result: CheckResult): Fields {
  const {min, max} = analysis.checks.find(({name}) => name === result.name)?.threshold ?? {}
  return {
    ...(result.value === undefined ? {} : {figure: String(result.value)}),
    ...(min === undefined ? {} : {minimum: String(min)}),
    ...(max === undefined ? {} : {maximum: String(max)}),
    ...(result.evidence ? comparisonFigures(result.evidence) : {}),
  }
}

function comparisonFigures(facts: ComparisonFacts): Fields {
  const other = facts.against ?? 'primary'
  const {bands} = facts
  // Where the bands decided, the E-values are those of another question, and say nothing of this verdict.
  if (bands) {
    return {
      compared: comparedText(bands, other, bands.boundMilliseconds),
      distance: `${figure(bands.distance)} (chance allows ${figure(bands.radius)}, the tolerance ${figure(bands.tolerance)})`,
    }
  }
  const {oddsRatio, harm, harmless} = facts
  return {
    compared: comparedText(facts, other, facts.slowerThanMilliseconds),
    ...(oddsRatio.estimate === undefined ? {} : {'odds ratio': figure(oddsRatio.estimate)}),
    ...intervalField(oddsRatio),
    'evidence of harm': evidenceText(harm),
    'evidence of harmlessness': evidenceText(harmless),
    ...(facts.needed === undefined ? {} : {'requests needed': String(facts.needed)}),
  }
}

function comparedText(
  {canary, primary}: Pick<ComparisonFacts, 'canary' | 'primary'>,
  other: string,
  slowerThan: number | undefined,
): string {
  const what = slowerThan === undefined ? 'failed' : `slower than ${slowerThan} ms`
  return `canary ${canary.failed} of ${canary.total}, ${other} ${primary.failed} of ${primary.total} ${what}`
}

function intervalField({low, high, confidence}: ComparisonFacts['oddsRatio']): Fields {
  if (low === undefined && high === undefined) return {}
  const level = confidence === undefined ? '' : ` (${Number((100 * confidence).toPrecision(4))} %)`
  const from = low === undefined ? '' : figure(low)
  const interval =
    high === undefined
      ? `at least ${from}`
      : low === undefined
        ? `at most ${figure(high)}`
        : `${from} to ${figure(high)}`
  return {'confidence sequence': `${interval}${level}`}
}

function evidenceText({value, boundary}: {value: number; boundary: number}): string {
  return `${figure(value)} (boundary ${figure(boundary)})`
}

function figure(value: number): string {
  return value.toPrecision(3)
}
