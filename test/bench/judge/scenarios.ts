// All scenarios, by the table that they stand in.
import {baselineScenarios} from './scenarios/baselines.ts'
import {combinedScenarios} from './scenarios/combined.ts'
import {errorScenarios} from './scenarios/errors.ts'
import {latencyScenarios} from './scenarios/latency.ts'
import {bakeScenarios, releaseScenarios} from './scenarios/releases.ts'
import type {Scenario} from './scenarios/scenario.ts'
import {scrapeScenarios} from './scenarios/scrapes.ts'

export const groups = {
  errors: errorScenarios,
  scrapes: scrapeScenarios,
  latency: latencyScenarios,
  combined: combinedScenarios,
  baselines: baselineScenarios,
  releases: releaseScenarios,
  bakes: bakeScenarios,
} as const satisfies Record<string, readonly Scenario[]>

export const scenarios: readonly Scenario[] = Object.values(groups).flat()
