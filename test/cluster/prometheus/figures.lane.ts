// What we compute or write in Prometheus' place, held against promtool: quantiles, and queries with hostile values.
import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import fc from 'fast-check'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {renderQuery} from '../../../analysis/template.ts'
import {valuesOfVariables} from '../../../analysis/template-variables.ts'
import {durationQuantile} from '../../../analysis/window-figures.ts'
import type {TemplateVariable} from '../../../crds/metric-template.ts'

const quantiles = [0.001, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999]
const histograms = 150
const values = 2000

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-figures-'))
})
afterAll(() => rmSync(folder, {recursive: true, force: true}))

/** Runs promtool on a file that holds a value as JSON, which is YAML too. @throws where promtool finds a fault */
function promtool(command: string, content: object): void {
  const file = join(folder, `${command}.yaml`)
  writeFileSync(file, JSON.stringify(content))
  execFileSync('promtool', [command, 'rules', file], {stdio: 'pipe', maxBuffer: 2 ** 26})
}

const anyHistogram = fc
  .array(fc.tuple(fc.integer({min: 1, max: 500}), fc.integer({min: -2, max: 40})), {minLength: 1, maxLength: 15})
  .chain(steps => fc.tuple(fc.constant(steps), fc.integer({min: 0, max: 10})))
  .map(([steps, beyond]) => {
    let [bound, count] = [0, 0]
    const buckets = steps.map(([width, increment]) => {
      bound += width
      count = Math.max(0, count + increment)
      return {bound, count}
    })
    return {bounds: buckets.map(one => one.bound), counts: buckets.map(one => one.count), total: count + beyond}
  })

test('quantiles are those of histogram_quantile()', () => {
  const tests = fc.sample(anyHistogram, {seed: 1, numRuns: histograms}).map(({bounds, counts, total}) => {
    const bucket = (le: number | string, count: number) => ({series: `h_bucket{le="${le}"}`, values: String(count)})
    const equal = (quantile: number) => {
      const ours = durationQuantile({bounds, counts, total}, quantile)
      const theirs = `histogram_quantile(${quantile}, h_bucket)`
      const same = Number.isNaN(ours) ? `${theirs} != ${theirs}` : `abs(${theirs} - ${ours}) <= 1e-9`
      return {expr: `count(${same})`, eval_time: '0m', exp_samples: [{labels: '{}', value: 1}]}
    }
    return {
      interval: '1m',
      input_series: [...bounds.map((bound, index) => bucket(bound, counts[index] ?? 0)), bucket('+Inf', total)],
      promql_expr_test: quantiles.map(equal),
    }
  })
  promtool('test', {evaluation_interval: '1m', tests})
})

const quotes = ['"', "'", '`', '\\', '\n', '\r', '#', '{{', '}}']
const operators = [
  '(',
  ')',
  '[',
  ']',
  '}',
  '|',
  '^',
  '$',
  '.',
  '*',
  '+',
  '?',
  '{2}',
  '(?i)',
  '\\d',
  ' or y',
  ',',
  '-',
  ':',
]
const hostile = fc.oneof(
  fc.string({unit: 'grapheme'}),
  fc.array(fc.constantFrom(...quotes, ...operators, 'a', '1', 'm'), {maxLength: 8}).map(parts => parts.join('')),
)
const templates: Record<TemplateVariable['type'], string[]> = {
  string: [
    'max(x{a="{{ variables.x }}",b="c"}) by (a) > 1',
    "x{a!='{{ variables.x }}'}",
    'x{a=`{{ variables.x }}`}',
    'x{a=~"{{ variables.x }}-.*"}',
    'x{a!~`(a|{{ variables.x }})b`}',
    'label_replace(x, "a", "{{ variables.x }}", "b", ".*")',
  ],
  regex: ['x{a=~"(a|{{ variables.x }})b"}', "x{a!~'{{ variables.x }}+'}", 'x{a=~`{{ variables.x }}`}'],
  number: ['x > {{ variables.x }}', 'histogram_quantile(0.9, x) * {{ variables.x }}'],
  duration: ['rate(x[{{ variables.x }}])', 'x offset {{ variables.x }}'],
}

test('whatever a check may set a variable to, Prometheus reads the query', () => {
  const queries: string[] = []
  for (const [type, shapes] of Object.entries(templates) as [TemplateVariable['type'], string[]][]) {
    for (const value of [...fc.sample(hostile, {seed: 2, numRuns: values}), '1', '-.5e3', '1h30m', '5m']) {
      const own = valuesOfVariables([{name: 'x', type}], {x: value})
      if (!(own instanceof Map)) continue
      const base = {namespace: 'n', rollout: 'r', canaryWorkload: 'r-b', primaryWorkload: 'r-a', window: '60s'}
      for (const shape of shapes) {
        const rendered = renderQuery(shape, base, own)
        if ('query' in rendered) queries.push(rendered.query)
      }
    }
  }
  expect(queries.length).toBeGreaterThan(values * 4)
  const rules = queries.map((expr, index) => ({record: 'x', expr, labels: {index: String(index)}}))
  promtool('check', {groups: [{name: 'all', rules}]})
})
