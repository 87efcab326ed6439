import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, test} from 'vitest'
import {startPrometheusApi} from '../../playground/metrics/index.ts'
import {MetricStore} from '../../playground/metrics/store.ts'
import {type BacktestOptions, backtest} from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-backtest-'))
afterAll(() => rmSync(folder, {recursive: true}))

const range = {from: '2026-01-01T00:00:00Z', to: '2026-01-01T00:15:00Z'}
const start = Date.parse(range.from)
const hours = 3_600

/** A Rollout with the given checks, and other documents beside it; the file. */
function rolloutWith(name: string, checks: string, beside = ''): string {
  const file = join(folder, `${name}.yaml`)
  const spec = [
    'targetRef: {apiVersion: apps/v1, kind: Deployment, name: checkout}',
    'traffic: {istio: {}}',
    'strategy: {canary: {steps: [{weight: 10}, {weight: 50}]}}',
    `analysis: {window: 1m, checks: [${checks}]}`,
  ].map(line => `  ${line}`)
  const head = ['apiVersion: fairlead.dev/v1alpha1', 'kind: Rollout', 'metadata: {name: checkout}', 'spec:']
  writeFileSync(file, `${[...head, ...spec].join('\n')}\n${beside}`)
  return file
}

const errors = '{name: errors, compare: {metric: requestErrors}}'

/** Counters of a slot: `counts(seconds)` gives the requests that were answered and failed up to then. */
function fill(
  store: MetricStore,
  slot: 'a' | 'b',
  [from, to]: [number, number],
  counts: (seconds: number) => {answered: number; failed?: number},
): void {
  const labels = {
    __name__: 'istio_requests_total',
    reporter: 'source',
    destination_service_namespace: 'default',
    destination_service_name: `checkout-${slot}`,
  }
  for (let seconds = from; seconds <= to; seconds += 5) {
    const {answered, failed} = counts(seconds)
    const at = start + seconds * 1000
    store.add({...labels, response_code: '200'}, {at, value: answered})
    if (failed !== undefined) store.add({...labels, response_code: '503'}, {at, value: failed})
  }
}

function usualStore(): MetricStore {
  const store = new MetricStore(10 * hours * 1000)
  fill(store, 'a', [-4 * hours, 900], seconds => ({answered: 90 * (seconds + 4 * hours)}))
  return store
}

/** What a backtest says from Prometheus, while it records, and then from the file alone. */
async function bothWays(
  store: MetricStore,
  rollout: string,
  replayed: Partial<BacktestOptions> = {},
): Promise<{live: string; replay: string}> {
  const api = await startPrometheusApi({store})
  const record = join(folder, 'range.json')
  const options = {rollout, canary: 'b', threshold: '99'}
  try {
    const live = await backtest({...options, ...range, prometheus: api.url, record})
    return {live, replay: await backtest({...options, file: record, ...replayed})}
  } finally {
    await api.close()
  }
}

test('a series that was seen two hours before the range is back in a file too, and not new', async () => {
  const store = usualStore()
  fill(store, 'b', [-2 * hours - 60, -2 * hours], () => ({answered: 4000, failed: 900}))
  fill(store, 'b', [300, 900], seconds => ({answered: 4000 + 10 * (seconds - 300), failed: 900}))
  const {live, replay} = await bothWays(store, rolloutWith('back', errors))
  expect(live).not.toContain('ROLL BACK')
  expect(replay).toBe(live)
})

test('a counter that is no number is so in a file too', async () => {
  const store = usualStore()
  fill(store, 'b', [0, 900], seconds => ({answered: seconds === 300 ? Number.NaN : 10 * seconds}))
  const {live, replay} = await bothWays(store, rolloutWith('nan', errors))
  expect(live).toContain('may end')
  expect(replay).toBe(live)
})

test('what is recorded for one check is enough for another', async () => {
  const store = usualStore()
  const labels = {reporter: 'source', destination_service_namespace: 'default'}
  for (let seconds = -hours; seconds <= 900; seconds += 5) {
    for (const [slot, slow] of Object.entries({a: 0.001, b: seconds < 0 ? undefined : 0.2})) {
      if (slow === undefined) continue
      const total = (slot === 'a' ? 90 : 10) * (seconds + hours)
      for (const [le, value] of Object.entries({500: Math.floor(total * (1 - slow)), '+Inf': total})) {
        const name = {
          __name__: 'istio_request_duration_milliseconds_bucket',
          destination_service_name: `checkout-${slot}`,
        }
        store.add({...labels, ...name, le}, {at: start + seconds * 1000, value})
      }
    }
  }
  fill(store, 'b', [0, 900], seconds => ({answered: 10 * (seconds + hours)}))
  const latency = '{name: latency, compare: {metric: requestDuration, slowerThan: 500ms}}'
  const {live, replay} = await bothWays(store, rolloutWith('one', errors), {
    rollout: rolloutWith('other', `${errors}, ${latency}`),
  })
  expect(live).not.toContain('ROLL BACK')
  expect(replay).toMatch(/ROLL BACK .* latency: slower than 500 ms were/)
})

const success = (more = '') => `{name: success, threshold: {metric: requestSuccessRate, min: 99${more}}}`

/** The canary fails a tenth. */
function failing(): MetricStore {
  const store = usualStore()
  fill(store, 'b', [0, 900], seconds => ({answered: 9 * seconds, failed: seconds}))
  return store
}

describe('threshold checks of built-in metrics', () => {
  test('a built-in metric is computed from the counters, once a window lies in the step', async () => {
    const {live, replay} = await bothWays(failing(), rolloutWith('built-in', success()))
    expect(live).toMatch(/00:01:00 {2}ROLL BACK {7}after 600 canary requests, 60 failed: success: .*90/)
    expect(replay).toBe(live)
  })

  test('it counts beside a compare check, in the order of the spec', async () => {
    const {live} = await bothWays(failing(), rolloutWith('beside', `${success()}, ${errors}`))
    // The comparison knows sooner.
    expect(live).toMatch(/00:00:\d\d {2}ROLL BACK .* errors: the canary failed/)
  })

  test('its failure limit is kept', async () => {
    const limited = success(', failureLimit: {consecutive: 3}')
    expect((await bothWays(failing(), rolloutWith('limit', limited))).live).toMatch(
      /00:01:30 {2}ROLL BACK .* 3 of 3 failures in a row/,
    )
  })

  test('one that does not hold keeps a step from ending', async () => {
    const dry = `${success(', dryRun: true')}, ${errors}`
    const store = usualStore()
    // 2 % fail, in both versions: no harm by comparison, and below 99 %.
    fill(store, 'b', [0, 900], seconds => ({answered: Math.ceil(9.8 * seconds), failed: Math.floor(0.2 * seconds)}))
    fill(store, 'a', [-hours, 900], seconds => ({answered: 90 * (seconds + hours), failed: 1.8 * (seconds + hours)}))
    expect((await bothWays(store, rolloutWith('dry', dry))).live).toContain('step 1 may end')
    expect((await bothWays(store, rolloutWith('wet', `${errors}, ${success()}`))).live).toMatch(/ROLL BACK .* success:/)
  })
})

const queue = '{name: queue, threshold: {query: "max(queue_length)", max: 100}}'

describe('threshold checks with a query', () => {
  const filling = () => {
    const store = failing()
    for (let seconds = 0; seconds <= 900; seconds += 5) {
      store.add({__name__: 'queue_length'}, {at: start + seconds * 1000, value: seconds / 3})
    }
    return store
  }

  test('a query is asked at every grid time, and answered from the file for other margins', async () => {
    const {live, replay} = await bothWays(filling(), rolloutWith('query', queue), {
      rollout: rolloutWith('query-later', queue.replace('100', '200')),
    })
    expect(live).toMatch(/00:06:00 {2}ROLL BACK .* queue: queue 120 is above 100/)
    expect(replay).toMatch(/00:11:00 {2}ROLL BACK .* queue: queue 220 is above 200/)
  })

  const template = (more = '') =>
    `---\napiVersion: fairlead.dev/v1alpha1\nkind: MetricTemplate\nmetadata: {name: depth}\nspec:\n  query: max(queue_length)\n${more}`
  const byTemplate = '{name: queue, threshold: {templateRef: {name: depth}, max: 100}}'

  test('a template beside the Rollout is used', async () => {
    const {live} = await bothWays(filling(), rolloutWith('template', byTemplate, template()))
    expect(live).toMatch(/00:06:00 {2}ROLL BACK .* queue: queue 120 is above 100/)
  })

  test.each([
    [
      'a template that is elsewhere',
      byTemplate,
      '',
      /Left out: analysis.checks\[name=queue\]: MetricTemplate depth is not in the file/,
    ],
    [
      'a template that connects in its own way',
      byTemplate,
      template('  configRef: {name: access, key: config}\n'),
      /Left out: .* connects by a Secret/,
    ],
  ])('%s is left out, and the report says so', async (_, check, beside, message) => {
    const {live} = await bothWays(filling(), rolloutWith('left-out', `${errors}, ${check}`, beside))
    expect(live).toMatch(message)
    expect(live).toMatch(/ROLL BACK .* errors:/)
  })

  test('a file that has no answer to a query says so', async () => {
    const {replay} = await bothWays(failing(), rolloutWith('without', errors), {
      rollout: rolloutWith('with', `${errors}, ${queue}`),
    })
    expect(replay).toContain('Left out: analysis.checks[name=queue]: the file has no answer to its query')
  })

  test('a made-up range has neither plaintext nor answers to queries', async () => {
    const mtls = '{name: mtls, threshold: {metric: plaintextRequests, max: 0}}'
    const made = {canary: 'b', threshold: '99', ...range, generate: 'canary=5'}
    const report = await backtest({...made, rollout: rolloutWith('made', `${success()}, ${mtls}, ${queue}`)})
    expect(report).toMatch(/name=mtls\]: a made-up range[\s\S]*name=queue\]: a made-up range/)
    expect(report).toMatch(/00:01:00 {2}ROLL BACK .* success:/)
    const nothing = backtest({...made, rollout: rolloutWith('nothing', queue)})
    await expect(nothing).rejects.toThrow(/add a compare check or a threshold to test\. Left out: .*name=queue/)
  })
})

test('a check that can never be evaluated is an error with its field', async () => {
  const wrong = queue.replace('max(queue_length)', 'max(queue_length{a=\\"{{ variables.x }}\\"})')
  const made = {canary: 'b', threshold: '99', ...range, generate: 'canary=5'}
  await expect(backtest({...made, rollout: rolloutWith('wrong', wrong)})).rejects.toThrow(
    /spec\.analysis\.checks\[name=queue\]/,
  )
})

test('a recording of before is still read', async () => {
  const file = join(folder, 'old.json')
  const rollout = rolloutWith('old', errors)
  const store = usualStore()
  fill(store, 'b', [0, 900], seconds => ({answered: 5 * seconds, failed: 5 * seconds}))
  const {live} = await bothWays(store, rollout)
  const {instants, ranges, ...old} = JSON.parse(readFileSync(join(folder, 'range.json'), 'utf8'))
  expect([instants, ranges].every(Array.isArray)).toBe(true)
  writeFileSync(file, JSON.stringify(old))
  expect(await backtest({rollout, canary: 'b', threshold: '99', file})).toBe(live)
})
