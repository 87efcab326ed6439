// What contradicts itself in the analysis, where admission can't see it: defaults, and fields far apart.
import {compareSettings} from '../../analysis/compare/settings.ts'
import {annotations} from '../../crds/names.ts'
import {named} from './judgement.ts'
import type {Observation, Problem} from './observation.ts'
import {stepsOf} from './steps.ts'

/** At a larger weight too few requests are left on the primary for a prompt comparison. */
const maximumComparedWeight = 75
/** For the same reason in a bake. */
const leastHoldback = 100 - maximumComparedWeight

/** Errors count as one question, latency as one per bound; their evidence has to fit into the status. */
const maximumQuestions = 10

export function analysisProblems({spec, mesh, meshContext, baseline}: Observation): Problem[] {
  const object = `Rollout ${meshContext.rollout.namespace}/${meshContext.rollout.name}`
  const steps = stepsOf(spec)
  const settings = compareSettings(spec.analysis)
  const found: Problem[] = []
  const add = (field: string, problem: string, fix: string) =>
    found.push({reason: 'InvalidAnalysis', object, field, problem, fix})
  const heavy = steps.find(step => step.weight > maximumComparedWeight && named(settings, step.checks).length > 0)
  if (heavy) {
    const problem = `at ${heavy.weight} % the primary has too few requests left to compare with`
    const fix = `end the steps at ${maximumComparedWeight} or below: the promotion moves the rest; spec.bake.holdback goes on comparing. Or name no compare check in ${heavy.field}.checks`
    add(`${heavy.field}.weight`, problem, fix)
  }
  for (const {deadlineMilliseconds, dwellMilliseconds, field, deadlineField} of steps) {
    if (deadlineMilliseconds >= dwellMilliseconds) continue
    const problem = `${deadlineField} is over before the shortest stay on the step is`
    add(`${field}.maximumDwell`, problem, 'lengthen it, or shorten the minimum dwell or the pause of the step')
  }
  const questions = settings.reduce((sum, one) => sum + Math.max(1, one.slowerThanMilliseconds.length), 0)
  if (questions > maximumQuestions) {
    const problem = `its compare checks ask ${questions} questions, and the status has room for the evidence of ${maximumQuestions}`
    add('spec.analysis.checks', problem, 'remove compare checks or furtherBounds')
  }
  if (spec.analysis.baseline && !mesh.counters.some(({workloadLabel}) => workloadLabel !== undefined)) {
    const problem = `the metrics of ${mesh.name} do not tell a baseline from the primary, whose slot it stands in`
    add('spec.analysis.baseline', problem, 'set it to false: the canary is then compared with the primary itself')
  }
  if (spec.analysis.baseline && spec.targetRef?.kind === 'DaemonSet') {
    const problem = 'a DaemonSet has one pod on a node, and a baseline would be a second one of the same version'
    add('spec.analysis.baseline', problem, 'set it to false: the canary is then compared with the primary itself')
  }
  if (baseline && spec.analysis.baseline && baseline.metadata.annotations?.[annotations.owner] === undefined) {
    const problem = `Deployment ${meshContext.baseline} is there already, and not Fairlead's`
    add('spec.analysis.baseline', problem, 'rename or remove that Deployment')
  }
  const {holdback} = spec.bake
  const last = steps.at(-1)?.weight ?? 0
  if (holdback !== undefined && last >= 100 - holdback) {
    const problem = `the promotion to ${100 - holdback} % is no rise above the last step, ${last} %`
    add('spec.bake.holdback', problem, `lower it below ${100 - last}, or the weight of the last step`)
  }
  if (holdback !== undefined && holdback < leastHoldback && settings.length > 0) {
    const problem = `compare checks go on in the bake, and beside ${100 - holdback} % the previous version has too few requests left to compare with`
    add(
      'spec.bake.holdback',
      problem,
      `set ${leastHoldback} or more, or leave it out: the new version is then held to what the old one failed`,
    )
  }
  for (const {name, margins} of settings) {
    const field = `spec.analysis.checks[name=${name}].compare`
    if (margins.harmlessShare >= margins.harmfulShare) {
      const problem = `harmless.percent ${100 * margins.harmlessShare} is not below harmful.percent ${100 * margins.harmfulShare}`
      add(`${field}.harmless.percent`, problem, 'set both, the first below the second')
    }
    if (margins.harmlessOdds >= margins.harmfulOdds) {
      const problem = `harmless.oddsRatio ${margins.harmlessOdds} is not below harmful.oddsRatio ${margins.harmfulOdds}`
      add(`${field}.harmless.oddsRatio`, problem, 'set both, the first below the second')
    }
  }
  return found
}
