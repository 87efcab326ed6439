// Checks that could never say no, or never say anything: whatever they say would be taken for a proof.
import type {Check} from '../../crds/rollout.ts'
import type {Limits} from '../../mesh/types.ts'
import type {Observation, Problem} from './observation.ts'
import {type Step, stepsOf} from './steps.ts'

export function checkProblems(observation: Observation): Problem[] {
  const {spec, meshContext} = observation
  const object = `Rollout ${meshContext.rollout.namespace}/${meshContext.rollout.name}`
  const gates = spec.analysis.checks.flatMap(({name, threshold}): Problem[] => {
    // The CustomResourceDefinition refuses it too; an object may be older than the rule.
    if (threshold?.metric !== 'plaintextRequests' || threshold.noData !== 'pass') return []
    const field = `spec.analysis.checks[name=${name}].threshold.noData`
    const problem = 'a version that no request has reached would pass the gate'
    return [{reason: 'InvalidAnalysis', object, field, problem, fix: 'leave it out: the gate then waits for requests'}]
  })
  return [...gates, ...stepsOf(spec).flatMap(step => blindChecks(observation, object, step))]
}

/**
 * Checks in force on a step in which the mesh sends the new version nothing: whoever tests it calls its preview Service, or
 * its pods. No comparison is possible then, and a built-in metric has data only where the pods' own proxies count.
 */
function blindChecks({spec, mesh, meshContext, meshObjects}: Observation, object: string, step: Step): Problem[] {
  if (step.weight > 0 || step.matched || step.mirrorPercent !== undefined) return []
  const limits: Limits = mesh.limits?.(meshContext, meshObjects) ?? {}
  const {previewMetrics = mesh.features.previewMetrics} = limits
  const field = `${step.field}.checks`
  const fix = "leave it out here, set mirror, or use a threshold with a query of your own tests' figures"
  const found = (check: Check, why: string): Problem => {
    return {
      reason: 'InvalidAnalysis',
      object,
      field,
      problem: `check ${check.name} could never have data here: ${why}`,
      fix,
    }
  }
  return spec.analysis.checks
    .filter(({name}) => step.checks?.includes(name) ?? true)
    .flatMap(check => {
      if (check.compare) return [found(check, 'the mesh sends the new version no requests in this step')]
      if (!check.threshold?.metric || previewMetrics.works) return []
      return [found(check, previewMetrics.why)]
    })
}
