// What a scenario is, and what most of them have in common. Times are seconds, shares fractions.
import type {Conditions} from '../conditions.ts'
import {type Plan, usualPlan} from '../plan.ts'

export type Judge = 'fairlead' | 'flagger' | 'flagger, 1 check' | 'argo' | 'kayenta'
export const judges = ['fairlead', 'flagger', 'flagger, 1 check', 'argo', 'kayenta'] as const satisfies readonly Judge[]

export interface Scenario {
  /** Unique; tables and pictures name it. */
  id: string
  title: string
  conditions: Conditions
  plan: Plan
  /** What should happen. */
  good: 'stays' | 'rollback'
  /** A rollback here is no error of the judge's: what is asked for can't be told from the counters. Reported apart. */
  beyond?: true
  /** Which requests of the canary are bad. */
  harm: 'failed' | 'slow'
  judges: readonly Judge[]
}

export const usual: Conditions = {rate: 100, weight: 0.1, primary: 0.001, canary: 0.001}
/** A quarter of an hour of steps at one weight, however often one could end: what may roll back has every chance to. */
const long: Plan = {...usualPlan, deadlineSeconds: 900, goOn: true}
export const percent = (share: number) => `${Number((share * 100).toPrecision(3))} %`

export function scenario(
  id: string,
  title: string,
  good: Scenario['good'],
  change: Partial<Conditions>,
  plan: Partial<Plan> = {},
  more: Partial<Pick<Scenario, 'beyond' | 'harm' | 'judges'>> = {},
): Scenario {
  return {
    id,
    title,
    good,
    conditions: {...usual, ...change},
    plan: {...(good === 'stays' ? long : usualPlan), ...plan},
    harm: 'failed',
    judges: ['fairlead'],
    ...more,
  }
}

/** Both versions fail a share for two minutes, from the 200th second on. */
export const incident = (share: number) => [{from: 200, to: 320, share}]
/** The primary's share at which the canary's 1 % has an odds ratio of 3. */
const third = 0.01 / 0.99 / 3
export const harmful = {primary: third / (1 + third), canary: 0.01}
