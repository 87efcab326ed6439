// How many queries a grid time costs, by the number of Rollouts in a release: the controller's own evaluator, with a
// metrics system in this process that counts what it is asked.
import type {MetricAnswer, MetricRangeAnswer, MetricSample, Metrics} from '../../../controller/ports.ts'
import {JudgedRelease, sharedEvaluator} from '../../contract/evaluation/judged-release.ts'

const interval = 15_000
const start = Math.ceil(1_700_000_000_000 / interval) * interval
const analysis = {
  interval: '15s',
  checks: [
    {name: 'errors', compare: {metric: 'requestErrors'}},
    {name: 'latency', compare: {metric: 'requestDuration', slowerThan: '500ms'}},
  ],
}
const polls = 10
const mostRollouts = 1000
const slots = Array.from({length: mostRollouts}, (_, index) => ['a', 'b'].map(slot => `app-${index}-${slot}`)).flat()

export interface QueriesRow {
  rollouts: number
  /** Queries per grid time once all are under way, and those at the begin of a release, per Rollout. */
  perInterval: number
  atBegin: number
}

export async function countQueries(rollouts: number): Promise<QueriesRow> {
  const counted = {instant: 0, range: 0}
  const metrics = countingMetrics(counted)
  const evaluator = sharedEvaluator(metrics)
  const releases = Array.from(
    {length: rollouts},
    (_, index) => new JudgedRelease({name: `app-${index}`, startedAt: start, analysis, metrics}, evaluator),
  )
  for (const release of releases) release.step(0, 10, start + interval)
  const poll = (index: number) => Promise.all(releases.map(one => one.settle(start + index * interval + 5000)))
  await poll(2)
  const atBegin = (counted.range + counted.instant) / rollouts
  counted.instant = 0
  counted.range = 0
  for (let index = 3; index < 3 + polls; index++) await poll(index)
  return {rollouts, perInterval: (counted.instant + counted.range) / polls, atBegin}
}

function countingMetrics(counted: {instant: number; range: number}): Metrics {
  return {
    async query({query, at}): Promise<MetricAnswer> {
      counted.instant++
      return {kind: 'vector', samples: samplesOf(query, at)}
    },
    async queryRange({query, from, to, stepMilliseconds}): Promise<MetricRangeAnswer> {
      counted.range++
      const times: number[] = []
      for (let at = from; at <= to; at += stepMilliseconds) times.push(at)
      const series = samplesOf(query, to).map(({labels}) => ({
        labels,
        points: times.map(at => ({at, value: query.startsWith('min by ') ? at / 1000 : countAt(at)})),
      }))
      return {kind: 'matrix', series}
    },
  }
}

/** One caller's series of every slot that a query names; nothing on the pods' side. It is scraped just before each time. */
function samplesOf(query: string, at: number): MetricSample[] {
  const named = /destination_service_name=~"([^"]*)"/.exec(query)?.[1]
  if (named === undefined) return []
  if (query.startsWith('min by ')) return [{labels: {instance: 'caller'}, value: at / 1000}]
  const pattern = new RegExp(`^(?:${named})$`)
  const names = slots.filter(name => pattern.test(name))
  const [metric = ''] = query.split('{')
  const bounds = metric.endsWith('_bucket') ? ['100', '500', '+Inf'] : [undefined]
  return names.flatMap(name =>
    bounds.map(le => ({
      labels: {
        __name__: metric,
        instance: 'caller',
        reporter: 'source',
        destination_service_namespace: 'shop',
        destination_service_name: name,
        response_code: '200',
        ...(le === undefined ? {} : {le}),
      },
      value: countAt(at),
    })),
  )
}

/** A hundred requests a second. */
function countAt(at: number): number {
  return Math.floor((at - start) / 10) + 1_000_000
}
