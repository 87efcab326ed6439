// The playground's PromQL subset against the real Prometheus: the same series in both, the product's queries and random
// ones, and equal answers. FAIRLEAD_PROMQL_QUERIES sets how many random queries there are, FAIRLEAD_PROMQL_SEED the seed.
import {execFileSync} from 'node:child_process'
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {queriesFor} from '../../../controller/shell/counter-selectors.ts'
import {meshes} from '../../../mesh/registry.ts'
import type {MeshContext} from '../../../mesh/types.ts'
import {MetricStore, type PrometheusApi, startPrometheusApi} from '../../../playground/metrics/index.ts'
import {traffics} from '../../contract/evaluation/judged-release.ts'
import {seeded} from '../../simulation/random.ts'
import {randomQuery} from './random-query.ts'
import {firstSampleAt, lastSampleAt, openMetrics, randomSeries} from './random-series.ts'
import {type PrometheusServer, startPrometheus} from './server.ts'

const seed = Number(process.env['FAIRLEAD_PROMQL_SEED'] ?? 1)
const randomQueries = Number(process.env['FAIRLEAD_PROMQL_QUERIES'] ?? 1500)
const tolerance = 1e-9

let folder: string
let real: PrometheusServer
let playground: PrometheusApi

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-promql-'))
  const series = randomSeries(seeded(seed))
  const [file, data] = [join(folder, 'series.txt'), join(folder, 'data')]
  writeFileSync(file, openMetrics(series))
  execFileSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', file, data], {stdio: 'pipe'})
  real = await startPrometheus({targets: [], scrapeIntervalMilliseconds: 60_000, dataFolder: data})
  const store = new MetricStore()
  for (const {labels, samples} of series) for (const sample of samples) store.add(labels, sample)
  playground = await startPrometheusApi({store})
})

afterAll(async () => {
  await playground.close()
  await real.stop()
  rmSync(folder, {recursive: true, force: true})
})

type Parameters = Record<string, string>
/** Values by series, as text of its labels; or that there is none. */
type Answer = Map<string, [time: number, value: number][]> | 'refused'

async function ask(address: string, path: string, parameters: Parameters): Promise<Answer> {
  const response = await fetch(`${address}/api/v1/${path}`, {method: 'POST', body: new URLSearchParams(parameters)})
  const body = (await response.json()) as {status: string; data: {resultType: string; result: never[]}}
  if (body.status !== 'success') return 'refused'
  if (body.data.resultType === 'scalar') return new Map([['', [point(body.data.result as never)]]])
  const result: {metric: Record<string, string>; value: never; values?: never[]}[] = body.data.result
  return new Map(
    result.map(({metric, value, values}) => [
      JSON.stringify(Object.entries(metric).toSorted(([left], [right]) => (left < right ? -1 : 1))),
      (values ?? [value]).map(point),
    ]),
  )
}

function point([time, value]: [number, string]): [number, number] {
  const text = value.replace('Inf', 'Infinity')
  return [time, Number(text)]
}

/** The first difference, in words; nothing where there is none. */
function difference(expected: Answer, actual: Answer): string | undefined {
  if (expected === 'refused' || actual === 'refused') {
    return expected === actual ? undefined : `Prometheus: ${summary(expected)}; playground: ${summary(actual)}`
  }
  for (const labels of new Set([...expected.keys(), ...actual.keys()])) {
    const [wanted, got] = [expected.get(labels), actual.get(labels)]
    const equal =
      wanted?.length === got?.length &&
      wanted?.every(([time, value], index) => time === got?.[index]?.[0] && close(value, got[index][1]))
    if (!equal) return `${labels}: Prometheus ${JSON.stringify(wanted)}; playground ${JSON.stringify(got)}`
  }
  return undefined
}

function close(left: number, right: number): boolean {
  if (!Number.isFinite(left) || !Number.isFinite(right)) return Object.is(left, right)
  return Math.abs(left - right) <= tolerance * Math.max(Math.abs(left), Math.abs(right))
}

function summary(answer: Answer): string {
  return answer === 'refused' ? 'refused' : `${answer.size} series`
}

/** Differences over all queries, one line each; and how many answers held any value at all. */
async function compare(queries: readonly [path: string, parameters: Parameters][]) {
  const found: string[] = []
  let answered = 0
  for (const [path, parameters] of queries) {
    const [expected, actual] = await Promise.all([
      ask(real.address, path, parameters),
      ask(playground.url, path, parameters),
    ])
    if (expected !== 'refused' && expected.size > 0) answered += 1
    const what = difference(expected, actual)
    if (what !== undefined) found.push(`${parameters['query']} at ${parameters['time'] ?? 'a range'}: ${what}`)
  }
  return {found, answered}
}

/** Never on a border of a window whose other end is a sample: half a second beside whole ones. */
function timeAt(share: number): string {
  const seconds = Math.floor((firstSampleAt + share * (lastSampleAt - firstSampleAt + 60_000)) / 1000)
  return String(seconds + 0.5)
}

/** Every query that the product asks of a mesh. */
function productQueries(): string[] {
  return (Object.keys(traffics) as (keyof typeof traffics)[]).flatMap(key => {
    const mesh = meshes[key]
    const context: MeshContext = {
      rollout: {name: 'c', namespace: 'shop', uid: 'u'},
      apex: {name: 'c', ports: []},
      slots: {a: 'c-a', b: 'c-b'},
      traffic: traffics[key],
    }
    const reader = {uid: 'u', mesh, context}
    return mesh.counters.flatMap(family =>
      (['now', 'before', 'times'] as const).flatMap(question =>
        queriesFor(question, family, [reader]).map(({text}) => text),
      ),
    )
  })
}

test("the product's own queries", async () => {
  const queries = productQueries()
  const shares = Array.from({length: 12}, (_, index) => index / 11)
  const all = queries.flatMap(query =>
    shares.map((share): [string, Parameters] => ['query', {query, time: timeAt(share)}]),
  )
  const {found, answered} = await compare(all)
  expect(found).toEqual([])
  expect(answered).toBeGreaterThan(all.length / 2)
})

test('random queries', async () => {
  const random = seeded(seed + 1)
  const all = Array.from({length: randomQueries}, (): [string, Parameters] => [
    'query',
    {query: randomQuery(random), time: timeAt(random())},
  ])
  const {found, answered} = await compare(all)
  expect(found.slice(0, 10)).toEqual([])
  expect(answered).toBeGreaterThan(all.length / 4)
})

test('random queries over a range', async () => {
  const random = seeded(seed + 2)
  const all = Array.from({length: Math.ceil(randomQueries / 10)}, (): [string, Parameters] => {
    const start = Number(timeAt(random() * 0.8))
    return ['query_range', {query: randomQuery(random, 2), start: String(start), end: String(start + 90), step: '15'}]
  })
  const {found, answered} = await compare(all)
  expect(found.slice(0, 10)).toEqual([])
  expect(answered).toBeGreaterThan(all.length / 4)
})

const wrongQueries = [
  '',
  '1 +',
  'sum(',
  'sum()',
  'sum(requests_total) by',
  'sum by slot (requests_total)',
  'requests_total{',
  'requests_total{slot}',
  'requests_total{slot="a"',
  'requests_total{slot=~"("}',
  'requests_total{slot=a}',
  '{}',
  '{slot=""}',
  '{slot=~".*"}',
  'requests_total[5m',
  'requests_total[0s]',
  'requests_total[5]',
  'requests_total offset',
  'requests_total[5m] + 1',
  'rate(requests_total)',
  'rate(rate(requests_total[5m])[5m])',
  'rate(requests_total[5m], 1)',
  'rate()',
  'rate(sum(requests_total)[5m])',
  'abs(1)',
  'scalar(1)',
  'vector(requests_total)',
  'time(1)',
  'clamp_min(requests_total)',
  'clamp_min(requests_total, requests_total)',
  'histogram_quantile(latency_bucket, latency_bucket)',
  'histogram_quantile(0.5)',
  'histogram_quantile(0.5, 1)',
  'sum(1)',
  '1 and 1',
  'requests_total and 1',
  '1 or requests_total',
  '1 > 2',
  'requests_total == bool',
  'requests_total + bool requests_total',
  '{slot!="a"}',
  '{slot!~"a"}',
  '1 + on (slot) requests_total',
  'requests_total > ignoring (slot) 1',
  '1 + on (slot) 1',
  'requests_total + requests_total{slot="a"} +',
  'no_such_function(requests_total)',
  '-requests_total[5m]',
  'requests_total requests_total',
  '(requests_total',
  'sum(requests_total) offset 5m',
  'requests_total offset 5m offset 5m',
]

test.each(wrongQueries)('both refuse: %s', async query => {
  const parameters = {query, time: timeAt(0.5)}
  expect(await ask(real.address, 'query', parameters)).toBe('refused')
  expect(await ask(playground.url, 'query', parameters)).toBe('refused')
})
