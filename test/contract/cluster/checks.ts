// What an API server says to checks that contradict themselves: the message names the fix.
import {describe, expect, test} from 'vitest'
import {type StartTarget, useBench} from './bench.ts'
import {rollout} from './objects.ts'

const query = {query: 'up', min: 1}
const rate = {metric: 'requestSuccessRate'}
const duration = {metric: 'requestDuration'}

const accepted: Record<string, object> = {
  'rows-of-failures': {...query, failureLimit: {consecutive: 3}},
  'failures-of-the-last': {...query, failureLimit: {count: 3, outOf: 5}},
  'failures-of-as-many': {...query, failureLimit: {count: 3, outOf: 3}},
  'all-settings': {...query, series: 'all', noData: 'pass', initialDelay: '5m', dryRun: true},
  variables: {templateRef: {name: 'depth', variables: {pool: 'blue', limit: '5'}}, max: 1},
  percent: {...rate, min: 99.9, max: 100},
  'whole-percent': {...rate, min: 100},
  milliseconds: {...duration, max: 0.5, quantile: 0.5},
}

const refused: [threshold: object, message: string][] = [
  [{min: 1}, 'set exactly one of metric, query and templateRef'],
  [{...query, ...rate}, 'set exactly one of metric, query and templateRef'],
  [{query: 'up'}, 'set min, max or both'],
  [{query: 'up', min: 2, max: 1}, 'min must not be above max'],
  [{...query, quantile: 0.5}, 'quantile belongs to metric requestDuration'],
  [{...query, failureLimit: {}}, 'set either consecutive, or count and outOf'],
  [{...query, failureLimit: {count: 3}}, 'set either consecutive, or count and outOf'],
  [{...query, failureLimit: {outOf: 3}}, 'set either consecutive, or count and outOf'],
  [{...query, failureLimit: {consecutive: 2, outOf: 3}}, 'set either consecutive, or count and outOf'],
  [{...query, failureLimit: {count: 4, outOf: 3}}, 'count must not be above outOf: the check could never fail'],
  [{...query, failureLimit: {consecutive: 21}}, 'should be less than or equal to 20'],
  [{...query, failureLimit: {consecutive: 0}}, 'should be greater than or equal to 1'],
  [{...query, series: 'some'}, 'Unsupported value: "some"'],
  [{...query, noData: 'ignore'}, 'Unsupported value: "ignore"'],
  [{...query, initialDelay: '5 minutes'}, 'initialDelay'],
  [{...rate, min: 0.99}, 'min must lie above 1 and not above 100, such as 99 rather than 0.99'],
  [{...rate, min: 101}, 'min must lie above 1 and not above 100'],
  [{...duration, max: 0}, 'that of requestDuration must be above 0'],
  [{...rate, max: -1}, 'max must not be negative'],
  [{...rate, min: 99, series: 'all'}, 'series belongs to query and templateRef'],
  [
    {
      templateRef: {name: 'depth', variables: Object.fromEntries(Array.from({length: 21}, (_, i) => [`v${i}`, '']))},
      min: 1,
    },
    'set at most 20 variables',
  ],
]

const pool = {name: 'pool', type: 'string'}
const refusedVariables: [variables: object[], message: string][] = [
  [[pool, pool], 'Duplicate value'],
  [[{name: 'pool', type: 'text'}], 'Unsupported value: "text"'],
  [[{name: 'my pool', type: 'string'}], 'should match'],
  [[{name: 'limit', type: 'number', default: 'many'}], 'the default must be a number, such as 0.5'],
  [[{name: 'span', type: 'duration', default: '1.5h'}], 'the default must be a duration of PromQL'],
]

export function describeChecks(startTarget: StartTarget): void {
  describe('threshold checks', () => {
    const bench = useBench(startTarget, 'checks')
    const withCheck = (name: string, threshold: object) =>
      rollout(bench().namespace, name, {analysis: {checks: [{name: 'one', threshold}]}})
    const template = (name: string, variables: object[]) => ({
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'MetricTemplate',
      metadata: {namespace: bench().namespace, name},
      spec: {query: 'up', variables},
    })

    test.each(Object.entries(accepted))('%s: taken as written', async (name, threshold) => {
      const created = await bench().client.create(withCheck(name, threshold))
      expect(created.spec.analysis.checks[0].threshold).toEqual(threshold)
    })

    test.each(refused)('%j: %s', async (threshold, message) => {
      const creation = bench().client.create(withCheck('refused', threshold))
      await expect(creation).rejects.toMatchObject({status: 422, message: expect.stringContaining(message)})
    })

    test('typed variables', async () => {
      const variables = [
        {...pool, description: 'Pool of workers.'},
        {name: 'limit', type: 'number', default: '-1.5e3'},
        {name: 'span', type: 'duration', default: '1h30m'},
        {name: 'path', type: 'regex', default: '/api/.*'},
      ]
      const created = await bench().client.create(template('typed', variables))
      expect(created.spec.variables).toEqual(variables)
    })

    test.each(refusedVariables)('%j: %s', async (variables, message) => {
      const creation = bench().client.create(template('refused', variables))
      await expect(creation).rejects.toMatchObject({status: 422, message: expect.stringContaining(message)})
    })
  })
}
