// What contradicts itself in a strategy, and what the mesh can't do of it: said before anything is made.
import type {Match} from '../../crds/strategy.ts'
import type {Feature, Support} from '../../mesh/types.ts'
import {same} from './equality.ts'
import type {Observation, Problem} from './observation.ts'
import {type Step, stepsOf} from './steps.ts'

export function strategyProblems(observation: Observation): Problem[] {
  const {name, namespace} = observation.meshContext.rollout
  const object = `Rollout ${namespace}/${name}`
  const invalid = [...contradictions(observation)].map(found => ({reason: 'InvalidSteps', object, ...found}))
  const lost = [...emptyConditions(observation), ...lostConditions(observation)].map(found => ({
    reason: 'InvalidMatch',
    object,
    ...found,
  }))
  return [...invalid, ...lost, ...unsupported(observation, object), ...beyondPods(observation, object)]
}

/** Largest weight of a step where pods make the share, percent. */
const mostByPods = 50

type Finding = Pick<Problem, 'field' | 'problem' | 'fix'>

function* contradictions({spec}: Observation): Generator<Finding> {
  const steps = stepsOf(spec)
  const known = spec.analysis.checks.map(check => check.name)
  for (const [index, step] of steps.entries()) {
    const before = steps[index - 1]
    if (before && falls(before, step)) {
      const problem = `${step.weight} does not rise above the step before`
      const fix =
        'order the steps so that every weight is larger than the one before, or give the same weight another mirror, faults or checks'
      yield {field: `${step.field}.weight`, problem, fix}
    }
    if (step.mirrorPercent !== undefined && step.weight > 0) {
      const problem = 'a canary that gets requests would get copies of others as well, and be judged on both'
      yield {field: `${step.field}.mirror`, problem, fix: 'set weight 0 in this step, and raise it in the next'}
    }
    for (const name of step.checks ?? []) {
      if (known.includes(name)) continue
      const fix = `name one of spec.analysis.checks: ${known.join(', ') || 'there is none'}`
      yield {field: `${step.field}.checks`, problem: `there is no check ${name}`, fix}
    }
  }
}

/** Whether a step asks for less than the one before, or for nothing else. */
function falls(before: Step, step: Step): boolean {
  if (step.weight !== before.weight) return step.weight < before.weight
  const rest = ({mirrorPercent, faults, checks}: Step) => ({mirrorPercent, faults, checks})
  return same(rest(before), rest(step))
}

/** The matches of the strategy, each with its field. */
function matchesOf({strategy: {canary, abTest}}: Observation['spec']): {at: string; match: Match}[] {
  const [field, matches = []] = canary ? ['canary', canary.match] : ['abTest', abTest?.match]
  return matches.map((match, index) => ({at: `spec.strategy.${field}.match[${index}]`, match}))
}

/**
 * Conditions that say nothing: the route would send every request to a version that nobody has tried. The definition refuses
 * them too, but a Rollout may be older than its rules.
 */
function* emptyConditions({spec}: Observation): Generator<Finding> {
  for (const {at, match} of matchesOf(spec)) {
    const {source} = match
    const problem = 'it has no condition, and without one every request would meet it'
    if (Object.keys(match).length === 0)
      yield {field: at, problem, fix: 'set at least one of headers, cookies, queryParams and source'}
    if (source && Object.keys(source).length === 0)
      yield {field: `${at}.source`, problem, fix: 'set at least one of labels, namespace and region, or leave it out'}
    if (source?.labels && Object.keys(source.labels).length === 0)
      yield {field: `${at}.source.labels`, problem, fix: 'name a label, or leave it out'}
  }
}

/**
 * Conditions of which a route can hold one alone: a name may stand in a match once, whatever its case, and cookies are a
 * header. More users would get the new version than were meant.
 */
function* lostConditions({spec}: Observation): Generator<Finding> {
  for (const {at, match} of matchesOf(spec)) {
    const headers = (match.headers ?? []).map(({name}) => name.toLowerCase())
    const lists = {headers, queryParams: (match.queryParams ?? []).map(({name}) => name)}
    for (const [list, names] of Object.entries(lists)) {
      const twice = names.findIndex((name, index) => names.indexOf(name) < index)
      if (twice < 0) continue
      const problem = `${names[twice]} stands there twice, and a route holds one condition on a name`
      yield {field: `${at}.${list}[${twice}].name`, problem, fix: 'say both in one regex'}
    }
    const cookie = headers.indexOf('cookie')
    if (cookie < 0 || !match.cookies) continue
    const problem = 'cookies become a condition on this header, and a route holds one on a name'
    yield {field: `${at}.headers[${cookie}].name`, problem, fix: 'use cookies alone, or this header alone'}
  }
}

/** What the spec asks of a mesh, by the field that asks it. */
function* asked({spec}: Observation): Generator<{feature: Feature; field: string}> {
  const {canary, abTest} = spec.strategy
  const field = `spec.strategy.${canary ? 'canary' : 'abTest'}`
  for (const {
    at,
    match: {headers, cookies, queryParams, source},
  } of matchesOf(spec)) {
    if (headers) yield {feature: 'matchHeaders', field: `${at}.headers`}
    if (cookies) yield {feature: 'matchCookies', field: `${at}.cookies`}
    if (queryParams) yield {feature: 'matchQueryParams', field: `${at}.queryParams`}
    if (source?.labels) yield {feature: 'matchSourceLabels', field: `${at}.source.labels`}
    if (source?.namespace !== undefined) yield {feature: 'matchSourceNamespace', field: `${at}.source.namespace`}
    if (source?.region !== undefined) yield {feature: 'matchSourceRegion', field: `${at}.source.region`}
  }
  if (canary?.sticky ?? abTest?.sticky) yield {feature: 'sticky', field: `${field}.sticky`}
  for (const step of stepsOf(spec)) {
    if (step.mirrorPercent !== undefined) {
      yield {feature: step.mirrorPercent < 100 ? 'mirrorPercent' : 'mirror', field: `${step.field}.mirror`}
    }
    if (step.faults.length > 0) yield {feature: 'faults', field: `${step.field}.faults`}
  }
  for (const {name, compare, threshold} of spec.analysis.checks) {
    const at = `spec.analysis.checks[name=${name}]`
    if (compare) yield {feature: 'comparison', field: `${at}.compare`}
    if (!threshold?.metric) continue
    const feature = threshold.metric === 'plaintextRequests' ? 'plaintextGate' : 'comparison'
    yield {feature, field: `${at}.threshold.metric`}
  }
  if (spec.safeguards.circuitBreaker) yield {feature: 'circuitBreaker', field: 'spec.safeguards.circuitBreaker'}
  if (spec.safeguards.rateLimit) yield {feature: 'rateLimit', field: 'spec.safeguards.rateLimit'}
}

function unsupported(observation: Observation, object: string): Problem[] {
  const {mesh, meshContext, meshObjects} = observation
  const features: Readonly<Record<Feature, Support & {fix?: string}>> = {
    ...mesh.features,
    ...mesh.limits?.(meshContext, meshObjects),
  }
  const can = Object.entries(features).flatMap(([feature, {works}]) => (works ? [feature] : []))
  return [...asked(observation)].flatMap(({feature, field}) => {
    const support = features[feature]
    if (support.works) return []
    const fix = support.fix ?? `leave the field out, or use another mesh; ${mesh.name} can: ${can.join(', ')}`
    return [{reason: 'UnsupportedByMesh', object, field, problem: support.why, fix}]
  })
}

/** What goes beyond a share that pods make: the canary never has more of them than the primary, and all of them serve. */
function beyondPods({mesh, spec}: Observation, object: string): Problem[] {
  if (!mesh.bySelector) return []
  const findings: Finding[] = []
  const uneven =
    spec.targetRef?.kind === 'DaemonSet' && stepsOf(spec).find(({weight}) => weight > 0 && weight < mostByPods)
  if (uneven) {
    const problem = `every node has a pod of each version, so without a mesh the share of a DaemonSet is ${mostByPods} %`
    findings.push({field: `${uneven.field}.weight`, problem, fix: `say ${mostByPods}, or 0 for a preview`})
  }
  const highest = stepsOf(spec).find(step => step.weight > mostByPods)
  if (highest) {
    findings.push({
      field: spec.strategy.canary?.steps ? `${highest.field}.weight` : 'spec.strategy.canary.maxWeight',
      problem: `without a mesh the share is that of the pods, and beside all of the primary's it is at most ${mostByPods} %`,
      fix: `end the steps at ${mostByPods} or below: the promotion comes after the last one`,
    })
  }
  for (const [index, {pods}] of (spec.strategy.canary?.steps ?? []).entries()) {
    if (pods === undefined) continue
    const problem = 'without a mesh the number of pods is what makes the weight'
    findings.push({
      field: `spec.strategy.canary.steps[${index}].pods`,
      problem,
      fix: 'leave it out, and say the weight',
    })
  }
  if (spec.bake.holdback !== undefined) {
    const problem = 'without a mesh a version that is warm can only have all of its pods in the Service, or none'
    findings.push({
      field: 'spec.bake.holdback',
      problem,
      fix: 'leave it out: the previous version stays warm, without requests',
    })
  }
  if (spec.service.selector === 'shared') {
    const problem = 'without a mesh the selector of the Service is what moves the traffic'
    findings.push({
      field: 'spec.service.selector',
      problem,
      fix: "leave it out, so that the selector is Fairlead's alone",
    })
  }
  return findings.map(found => ({reason: 'UnsupportedByMesh', object, ...found}))
}
