import {describe, expect, it} from 'vitest'
import type {Check} from '../crds/rollout.ts'
import {type PlanInput, planQueries} from './plan.ts'

const base: Omit<PlanInput, 'checks'> = {
  templates: name =>
    name === 'depth' ? {query: 'max(depth{ns="{{ namespace }}"})', address: 'http://other:9090'} : undefined,
  variables: {
    namespace: 'shop',
    rollout: 'checkout',
    canaryWorkload: 'checkout-b',
    primaryWorkload: 'checkout-a',
    window: '60s',
  },
}

function plan(check: Check, change: Partial<PlanInput> = {}) {
  return planQueries({...base, checks: [check], ...change})[0]
}

describe('planQueries', () => {
  it('leaves built-in metrics and comparisons to the counters', () => {
    const latency: Check = {name: 'latency', threshold: {metric: 'requestDuration', quantile: 0.5, max: 1}}
    expect(plan(latency)).toEqual({kind: 'builtIn', check: latency, metric: 'requestDuration'})
    const errors: Check = {name: 'errors', compare: {metric: 'requestErrors', weight: 1}}
    expect(plan(errors)).toEqual({kind: 'compare', check: errors})
  })

  it("asks the user's own query of the default Prometheus", () => {
    const planned = plan({name: 'queue', threshold: {query: 'x{w="{{ canary.workload }}"}', max: 1}})
    expect(planned).toMatchObject({queries: [{side: 'query', query: 'x{w="checkout-b"}'}]})
    expect(planned).not.toHaveProperty('queries.0.address')
  })

  it('asks a template at its own address', () => {
    const planned = plan({name: 'queue', threshold: {templateRef: {name: 'depth'}, max: 1}})
    const queries = [{side: 'query', query: 'max(depth{ns="shop"})', address: 'http://other:9090'}]
    expect(planned).toMatchObject({queries})
  })

  it('keeps the order of checks, and one that is refused does not stop the others', () => {
    const checks: Check[] = [
      {name: 'one', threshold: {query: '{{ what }}', max: 1}},
      {name: 'two', threshold: {query: 'up', max: 1}},
    ]
    const planned = planQueries({...base, checks})
    expect(planned.map(one => one.check.name)).toEqual(['one', 'two'])
    expect(planned.map(one => 'problem' in one)).toEqual([true, false])
  })
})

describe('templates with variables', () => {
  const templates = () => ({
    query: 'max(depth{pool="{{ variables.pool }}"}) / {{ variables.limit }}',
    variables: [
      {name: 'pool', type: 'string' as const},
      {name: 'limit', type: 'number' as const, default: '10'},
    ],
  })
  const referring = (variables?: Record<string, string>): Check => ({
    name: 'queue',
    threshold: {templateRef: {name: 'depth', ...(variables ? {variables} : {})}, max: 1, dryRun: true},
  })
  const field = 'analysis.checks[name=queue].threshold.templateRef.variables'

  it('are filled in', () => {
    const planned = plan(referring({pool: 'a"b'}), {templates})
    expect(planned).toMatchObject({queries: [{query: 'max(depth{pool="a\\"b"}) / 10'}]})
  })

  it.each<[Record<string, string> | undefined, string, string]>([
    [undefined, 'MissingVariable', `${field}.pool (MetricTemplate depth): missing: set this string`],
    [{pool: 'x', limit: 'many'}, 'InvalidVariable', `${field}.limit (MetricTemplate depth): "many" is not a number`],
    [{pool: 'x', size: '1'}, 'UnknownVariable', `${field}.size (MetricTemplate depth): the template declares no such`],
  ])('refuse %j, in a dry run too', (variables, reason, message) => {
    const problem = {name: 'queue', verdict: 'error', reason, dryRun: true, message: expect.stringContaining(message)}
    expect(plan(referring(variables), {templates})).toMatchObject({problem})
  })

  it('name their own default where it is the fault', () => {
    const wrong = () => ({query: 'x', variables: [{name: 'limit', type: 'number' as const, default: 'many'}]})
    const message =
      'MetricTemplate depth, spec.variables[name=limit].default: "many" is not a number: write one such as 0.5'
    expect(plan(referring(), {templates: wrong})).toMatchObject({problem: {reason: 'InvalidVariable', message}})
  })
})

describe('refusals', () => {
  it.each<[string, Check, string, string]>([
    [
      'a missing template',
      {name: 'queue', threshold: {templateRef: {name: 'lost'}, max: 1}},
      'TemplateNotFound',
      'analysis.checks[name=queue].threshold.templateRef (MetricTemplate lost): not found in namespace shop: create it or correct the name',
    ],
    [
      'an unknown variable',
      {name: 'queue', threshold: {query: '{{ pod }}', max: 1}},
      'UnknownVariable',
      'analysis.checks[name=queue].threshold.query: unknown variable {{ pod }}: use one of namespace,',
    ],
    [
      'no kind of check',
      {name: 'queue'},
      'InvalidCheck',
      'analysis.checks[name=queue] must set exactly one kind of check',
    ],
    [
      'no source',
      {name: 'queue', threshold: {max: 1}},
      'InvalidCheck',
      'analysis.checks[name=queue].threshold must set exactly one of metric, query, templateRef',
    ],
    [
      'two sources',
      {name: 'queue', threshold: {query: 'x', metric: 'requestDuration', max: 1}},
      'InvalidCheck',
      'must set exactly one of',
    ],
  ])('%s', (_, check, reason, message) => {
    const problem = {name: check.name, verdict: 'error', reason, message: expect.stringContaining(message)}
    expect(plan(check)).toEqual({check, problem})
  })
})
