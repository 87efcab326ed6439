import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, test} from 'vitest'
import {startPrometheusApi} from '../../playground/metrics/index.ts'
import {MetricStore} from '../../playground/metrics/store.ts'
import {type BacktestOptions, backtest} from './index.ts'
import {columns, plot} from './plot.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-backtest-'))
afterAll(() => rmSync(folder, {recursive: true}))

const example = (mesh: string) => join(import.meta.dirname, `../../examples/canary-${mesh}.yaml`)
const range = {from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:15:00Z'}

function run(options: Partial<BacktestOptions>): Promise<string> {
  return backtest({rollout: example('istio'), canary: 'b', threshold: '99', ...range, ...options})
}

describe('made-up ranges', () => {
  test.each(['istio', 'gateway-api', 'linkerd'])(
    '%s: a bad version is rolled back long before the fixed threshold',
    async mesh => {
      const report = await run({rollout: example(mesh), generate: 'canary=5,seed=3'})
      expect(report).toMatch(
        /00:00:\d\d {2}ROLL BACK {7}after \d+ canary requests, \d\d? failed: errors: the canary failed/,
      )
      expect(report).toMatch(
        /fixed threshold .*\n {2}00:05:15 {2}ROLL BACK {7}after 3150 canary requests, 1\d\d failed/,
      )
    },
  )

  test('a healthy one passes steps, and is not rolled back', async () => {
    const report = await run({generate: 'canary=0.1,seed=4'})
    expect(report).toMatch(/step 1 may end {2}after \d+ canary requests/)
    expect(report).not.toContain('ROLL BACK')
    expect(report).toContain('no rollback: the release would have been promoted')
  })

  test('a slow one is rolled back by its latency', async () =>
    expect(await run({generate: 'canary=0.1,slower=3'})).toMatch(/ROLL BACK .* latency: slower than 500 ms were/))

  test('a fault that begins late is found late', async () => {
    const report = await run({generate: 'canary=10,onset=300'})
    expect(report).toMatch(/00:05:\d\d {2}ROLL BACK/)
  })

  test('the plot shows the evidence and the failures', async () => {
    const report = await run({generate: 'canary=20'})
    expect(report).toContain('errors: evidence that the canary is worse, as a power of ten')
    expect(report).toContain('failed requests of the canary')
    expect(report).toContain('█')
  })
})

describe('recorded ranges', () => {
  test('what Prometheus answered can be judged again from a file', async () => {
    const store = new MetricStore()
    const start = Date.parse(range.from)
    for (let at = -3600; at <= 900; at += 5) {
      for (const slot of ['a', 'b']) {
        if (slot === 'b' && at < 0) continue
        const labels = {
          __name__: 'istio_requests_total',
          reporter: 'source',
          destination_service_namespace: 'default',
          destination_service_name: `checkout-${slot}`,
        }
        const total = (slot === 'a' ? 90 : 10) * (at + 3600)
        store.add({...labels, response_code: '200'}, {at: start + at * 1000, value: total})
        if (slot === 'b')
          store.add({...labels, response_code: '503'}, {at: start + at * 1000, value: Math.floor(at / 2)})
      }
    }
    const api = await startPrometheusApi({store})
    const record = join(folder, 'range.json')
    try {
      const live = await run({prometheus: api.url, record})
      expect(live).toContain('ROLL BACK')
      expect(await run({file: record})).toBe(live)
    } finally {
      await api.close()
    }
  })

  test('a file of something else names what is wrong', async () => {
    const wrong = join(folder, 'wrong.json')
    writeFileSync(wrong, '{"fairleadRecording": 1, "from": 0}')
    await expect(run({file: wrong})).rejects.toThrow(/wrong\.json: to: .*--record/)
    writeFileSync(wrong, 'no json')
    await expect(run({file: wrong})).rejects.toThrow(/--file .*wrong\.json/)
  })
})

describe('bad input', () => {
  const noCompare = join(folder, 'rollout.yaml')
  writeFileSync(noCompare, readFileSync(example('istio'), 'utf8').replace(/analysis:[\s\S]*alerts:/, 'alerts:'))

  test.each<[string, Partial<BacktestOptions>, RegExp]>([
    ['no source', {}, /exactly one of --prometheus, --file and --generate/],
    ['two sources', {generate: 'seed=1', file: 'x'}, /exactly one/],
    ['an unknown setting', {generate: 'speed=1'}, /--generate: speed is none of rate, weight/],
    ['no number', {generate: 'rate=fast'}, /rate=fast must be a number/],
    ['more than everything', {generate: 'canary=120'}, /at most 100/],
    ['no time', {generate: 'seed=1', from: 'yesterday'}, /--from yesterday is not a time/],
    ['turned around', {generate: 'seed=1', from: range.to, to: range.from}, /--from must lie before --to/],
    ['no slot', {generate: 'seed=1', canary: 'c'}, /--canary c: write the canary's slot/],
    ['no percentage', {generate: 'seed=1', threshold: 'high'}, /--threshold/],
    ['nothing to test', {generate: 'seed=1', rollout: noCompare}, /spec\.analysis\.checks: add a compare check/],
    ['no Prometheus', {prometheus: 'http://127.0.0.1:1'}, /can't be read: Unreachable/],
  ])('%s', async (_, options, message) => {
    await expect(run(options)).rejects.toThrow(message)
  })

  test('a range without traffic says so', async () =>
    expect(await run({generate: 'rate=0'})).toMatch(/had no request in this range/))
})

test('a plot has a scale, a boundary and one column per value', () => {
  const lines = plot({title: 'share', values: [0, 5, undefined, 10], boundary: 4, unit: '%'})
  expect(lines).toHaveLength(9)
  expect(lines[1]).toBe('      10 % │   █')
  expect(lines.at(-1)).toBe('       0 % │ █ █')
  expect(lines[5]).toBe('       4 % │┄█┄█')
})

test('many values are drawn in fewer columns, each the largest of its stretch', () =>
  expect(columns([1, 5, 2, undefined, 3, 4], 3)).toEqual([5, 2, 4]))
