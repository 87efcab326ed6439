// The checks in examples/ are what they say: each has queries that PromQL's own grammar takes.
import {readFileSync} from 'node:fs'
import {parser} from '@prometheus-io/lezer-promql'
import {expect, test} from 'vitest'
import {parseAllDocuments} from 'yaml'
import {planQueries} from '../../analysis/plan.ts'
import {metricTemplateSpec} from '../../crds/metric-template.ts'
import {rolloutSpec} from '../../crds/rollout.ts'

const file = new URL('../../examples/threshold-checks.yaml', import.meta.url)
const objects = parseAllDocuments(readFileSync(file, 'utf8')).map(document => document.toJS())

test('the threshold checks can be asked', () => {
  const {analysis} = rolloutSpec.parse(objects.find(({kind}) => kind === 'Rollout').spec)
  const template = objects.find(({kind}) => kind === 'MetricTemplate')
  const planned = planQueries({
    checks: analysis.checks,
    templates: name => (name === template.metadata.name ? metricTemplateSpec.parse(template.spec) : undefined),
    variables: {
      namespace: 'shop',
      rollout: 'worker',
      canaryWorkload: 'worker-b',
      primaryWorkload: 'worker-a',
      window: '60s',
    },
  })
  expect(planned.flatMap(plan => ('problem' in plan ? plan.problem.message : []))).toEqual([])
  const queries = planned.flatMap(plan => ('queries' in plan ? plan.queries : []))
  expect(queries).toHaveLength(3)
  for (const {query} of queries) {
    const errors: string[] = []
    parser.parse(query).iterate({
      enter: ({type, from, to}) => {
        if (type.isError) errors.push(query.slice(from, to))
      },
    })
    expect(errors).toEqual([])
  }
})
