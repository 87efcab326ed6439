// What a compare check comes to once defaults and presets are filled in.
import {durationMilliseconds} from '../../crds/common.ts'
import type {Compare} from '../../crds/compare.ts'
import type {Analysis} from '../../crds/rollout.ts'
import type {Margins} from './proportion.ts'

/** A compare check, ready to judge. Shares are fractions. */
export interface CompareSettings {
  name: string
  metric: 'requestErrors' | 'requestDuration'
  margins: Margins
  /** Probability, over the whole release, that this check rolls a harmless canary back. */
  alpha: number
  /** Probability that a step advances a harmful canary. */
  beta: number
  /** Bounds of `requestDuration`, milliseconds, rising; empty for `requestErrors`. */
  slowerThanMilliseconds: number[]
  /** The primary fails this share or more: both arms suffer from something that the canary didn't cause. */
  incidentShare: number
  incidentRequests: number
  /** Whom messages name as the other version. */
  against: 'primary' | 'baseline'
  /** There is no primary to compare with: the absolute part decides alone. */
  alone: boolean
}

const presets = {
  standard: {harmfulShare: 0.01, beta: 0.05},
  lowTraffic: {harmfulShare: 0.05, beta: 0.2},
} as const satisfies Record<Analysis['preset'], {harmfulShare: number; beta: number}>

const harmlessShare = 0.001
const oddsMargins = {
  requestErrors: {harmless: 1.5, harmful: 3},
  requestDuration: {harmless: 1.25, harmful: 2},
} as const satisfies Record<Compare['metric'], {harmless: number; harmful: number}>

/**
 * The settings of every compare check, in the order of the spec. The checks share alpha by their weights (Bonferroni);
 * beta isn't shared, since every check must pass.
 */
export function compareSettings(analysis: Analysis): CompareSettings[] {
  const checks = analysis.checks.flatMap(({name, compare}) => (compare ? [{name, compare}] : []))
  const weights = checks.reduce((sum, {compare}) => sum + compare.weight, 0)
  const preset = presets[analysis.preset]
  return checks.map(({name, compare}) => {
    const odds = oddsMargins[compare.metric]
    const bounds = [compare.slowerThan ?? [], compare.furtherBounds ?? []].flat().map(durationMilliseconds)
    return {
      name,
      metric: compare.metric,
      margins: {
        harmlessShare: fraction(compare.harmless?.percent) ?? harmlessShare,
        harmlessOdds: compare.harmless?.oddsRatio ?? odds.harmless,
        harmfulShare: fraction(compare.harmful?.percent) ?? preset.harmfulShare,
        harmfulOdds: compare.harmful?.oddsRatio ?? odds.harmful,
      },
      alpha: (analysis.alpha * compare.weight) / weights,
      beta: analysis.beta ?? preset.beta,
      slowerThanMilliseconds: [...new Set(bounds)].sort((left, right) => left - right),
      incidentShare: analysis.sharedIncident.percent / 100,
      incidentRequests: analysis.sharedIncident.requests,
      against: analysis.baseline ? 'baseline' : 'primary',
      alone: false,
    }
  })
}

function fraction(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : percent / 100
}
