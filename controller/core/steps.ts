// Every strategy is a list of steps, which the phases take one after the other, and a last traffic move, the promotion.
import {durationMilliseconds} from '../../crds/common.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {SlotContent, Split} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {defaultMaxWeight, type Fault} from '../../crds/strategy.ts'

export interface Step {
  /** Field of the Rollout that it comes from. */
  field: string
  /** Share of the requests that the canary gets, percent. */
  weight: number
  /** The canary gets the requests that meet the strategy's match as well. */
  matched: boolean
  /** Users stay with the version that answered them. */
  sticky: boolean
  /** Share of the primary's requests of which the canary gets copies, percent. */
  mirrorPercent?: number
  /** What the canary's calls to other Services meet. */
  faults: Fault[]
  /** Pods of the canary, in percent of the full number. */
  podsPercent: number
  /** Shortest stay, milliseconds. */
  dwellMilliseconds: number
  /** Longest stay without a verdict, milliseconds, and the field that says so. */
  deadlineMilliseconds: number
  deadlineField: string
  /** Somebody has to say skip-step or promote. */
  untilTold: boolean
  /** Names of the checks in force; all of them when undefined. */
  checks: readonly string[] | undefined
}

export function stepsOf(spec: RolloutSpec): Step[] {
  const {canary, abTest, blueGreen} = spec.strategy
  if (abTest) return [testStep(spec, abTest)]
  if (blueGreen) return [previewStep(spec, blueGreen)]
  if (!canary) return []
  const sticky = canary.sticky !== undefined
  const written = canary.steps ?? generated(canary.stepWeight ?? 1, canary.maxWeight ?? defaultMaxWeight)
  // Copies come before the first real request, and so before those that match.
  const lastMirrored = written.findLastIndex(({mirror}) => mirror !== undefined)
  return written.map((step, index) => {
    const {weight, mirror, faults = []} = step
    const matched = canary.match !== undefined && index > lastMirrored
    const reached = weight > 0 || matched || mirror !== undefined
    const field = canary.steps ? `spec.strategy.canary.steps[${index}]` : 'spec.strategy.canary.stepWeight'
    return {
      field,
      weight,
      matched,
      sticky,
      ...(mirror === undefined ? {} : {mirrorPercent: mirror}),
      faults,
      // How many requests meet a match nobody knows: they are met with full capacity unless the user knows better.
      podsPercent: Math.max(weight, step.pods ?? (matched ? 100 : (mirror ?? weight))),
      ...longest(spec, field, step),
      checks: step.checks ?? (reached ? undefined : []),
    }
  })
}

function generated(by: number, most: number): CanaryStep[] {
  const weights: CanaryStep[] = []
  for (let weight = by; weight < most; weight += by) weights.push({weight})
  return [...weights, {weight: most}]
}

type CanaryStep = NonNullable<NonNullable<RolloutSpec['strategy']['canary']>['steps']>[number]
type Pause = CanaryStep['pause']

function stay(spec: RolloutSpec, pause: Pause, minimum: string | undefined) {
  const least = durationMilliseconds(minimum ?? spec.analysis.minimumDwell)
  const paused = pause?.duration === undefined ? 0 : durationMilliseconds(pause.duration)
  const dwellMilliseconds = Math.max(least, paused)
  const {inconclusiveDeadline} = spec.analysis
  return {
    dwellMilliseconds,
    deadlineMilliseconds: dwellMilliseconds + durationMilliseconds(inconclusiveDeadline),
    deadlineField: `spec.analysis.inconclusiveDeadline (${inconclusiveDeadline})`,
    untilTold: pause !== undefined && pause.duration === undefined,
  }
}

/** The stay of a step that may set its own deadline. */
function longest(spec: RolloutSpec, field: string, {pause, minimumDwell, maximumDwell}: CanaryStep) {
  const usual = stay(spec, pause, minimumDwell)
  if (maximumDwell === undefined) return usual
  return {
    ...usual,
    deadlineMilliseconds: durationMilliseconds(maximumDwell),
    deadlineField: `${field}.maximumDwell (${maximumDwell})`,
  }
}

function testStep(spec: RolloutSpec, test: NonNullable<RolloutSpec['strategy']['abTest']>): Step {
  return {
    field: 'spec.strategy.abTest',
    weight: test.weight,
    matched: true,
    sticky: test.sticky !== undefined,
    faults: [],
    podsPercent: 100,
    ...stay(spec, test.pause, test.duration),
    checks: test.checks,
  }
}

function previewStep(
  spec: RolloutSpec,
  {mirror, pause, checks}: NonNullable<RolloutSpec['strategy']['blueGreen']>,
): Step {
  return {
    field: 'spec.strategy.blueGreen',
    weight: 0,
    matched: false,
    sticky: false,
    ...(mirror === undefined ? {} : {mirrorPercent: mirror}),
    faults: [],
    podsPercent: 100,
    ...stay(spec, pause, undefined),
    checks: checks ?? (mirror === undefined ? [] : undefined),
  }
}

/** What a step is called in a table, in a few words. */
export function stepText({weight, matched, mirrorPercent}: Step): string {
  if (weight > 0) return `Weight ${weight}`
  if (mirrorPercent !== undefined) return `Mirror ${mirrorPercent}`
  return matched ? 'Test' : 'Preview'
}

/** Percent per slot. */
function weightsOf(slot: SlotName, weight: number): {a: number; b: number} {
  return slot === 'a' ? {a: weight, b: 100 - weight} : {a: 100 - weight, b: weight}
}

/** All of the traffic on one slot. */
export function allTo(slot: SlotName): Split {
  return weightsOf(slot, 100)
}

/** The wish for the traffic of a step. */
export function splitOf(step: Step, canary: SlotContent): Split {
  const {weight, matched, sticky, mirrorPercent, faults} = step
  const apart = {
    ...(matched ? {matched: true as const} : {}),
    ...(sticky && (weight > 0 || matched) ? {session: canary.revision} : {}),
    ...(mirrorPercent === undefined ? {} : {mirrorPercent}),
    ...(faults.length > 0 ? {faults: true as const} : {}),
  }
  const weights = weightsOf(canary.slot, weight)
  return Object.keys(apart).length > 0 ? {...weights, apart: {slot: canary.slot, ...apart}} : weights
}

/** A wish for the traffic without faults. */
export function withoutFaults(split: Split): Split {
  if (!split.apart?.faults) return split
  const {faults: _faults, ...apart} = split.apart
  return Object.keys(apart).length > 1 ? {...split, apart} : {a: split.a, b: split.b}
}

/** The wish for the traffic of a version that is promoted: during the bake the previous one may keep a share. */
export function promotedSplit({spec}: {spec: RolloutSpec}, promoted: SlotContent): Split {
  const weights = weightsOf(promoted.slot, promotedWeight({spec}))
  const {canary, abTest} = spec.strategy
  const sticky = (canary?.sticky ?? abTest?.sticky) !== undefined
  if (!sticky || weights[promoted.slot] === 100) return weights
  return {...weights, apart: {slot: promoted.slot, session: promoted.revision}}
}

/** Share of the new version once it is promoted, in percent. */
export function promotedWeight({spec}: {spec: RolloutSpec}): number {
  return 100 - (spec.bake.holdback ?? 0)
}
