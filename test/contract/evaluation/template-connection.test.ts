// A MetricTemplate that says how to connect: its Secret goes along with its own query alone, and one that can't be used
// is an error that says why.
import {describe, expect, test} from 'vitest'
import type {AnalysisObservation} from '../../../controller/core/observation.ts'
import {type Cluster, ClusterError, type MetricRequest, type Metrics} from '../../../controller/ports.ts'
import {Evaluator} from '../../../controller/shell/evaluate.ts'
import {SecretHttpConfigs} from '../../../controller/shell/http-config.ts'
import type {Lookup} from '../../../controller/shell/lookup.ts'
import {ManualClock} from '../../../controller/shell/test-support.ts'
import type {ObjectRef} from '../../../crds/meta.ts'
import {JudgedRelease} from './judged-release.ts'

const interval = 15_000
const start = Math.ceil(1_700_000_000_000 / interval) * interval
const analysis = {
  interval: '15s',
  window: '1m',
  checks: [
    {name: 'theirs', threshold: {templateRef: {name: 't'}, max: 2}},
    {name: 'ours', threshold: {query: 'ours', max: 2}},
  ],
}

const lookup: Lookup = {
  get: ({apiVersion, kind, name}) =>
    kind === 'MetricTemplate'
      ? {apiVersion, kind, metadata: {name}, spec: {query: 'theirs', configRef: {name: 's', key: 'config'}}}
      : undefined,
  list: () => [],
  meshObjects: () => [],
  missing: () => false,
  forbidden: () => undefined,
  reached: () => true,
}

interface Outcome {
  requests: MetricRequest[]
  read: ObjectRef[]
  results: AnalysisObservation['results']
}

/** One evaluation with a Secret, or what the API server says instead. */
async function evaluate(secret: string | undefined | ClusterError): Promise<Outcome> {
  const read: ObjectRef[] = []
  const requests: MetricRequest[] = []
  const get: Cluster['get'] = async ref => {
    read.push(ref)
    if (secret instanceof ClusterError) throw secret
    const data = secret === undefined ? {} : {config: Buffer.from(secret).toString('base64')}
    return {apiVersion: 'v1', kind: 'Secret', metadata: {name: ref.name}, data}
  }
  const metrics: Metrics = {
    async query(request) {
      requests.push(request)
      return {kind: 'vector', samples: [{labels: {}, value: 1}]}
    },
    queryRange: async () => ({kind: 'matrix', series: []}),
  }
  const clock = new ManualClock(start)
  const configs = new SecretHttpConfigs({get} as Cluster, clock)
  const evaluator = new Evaluator({metrics, lookup, configs}, {now: () => clock.now(), after: afterSome})
  const release = new JudgedRelease({startedAt: start, analysis, metrics}, evaluator)
  release.step(0, 10, start)
  let results: AnalysisObservation['results'] = []
  await release.settle(start + 4 * interval + 5000, observation => {
    results = observation.results
  })
  return {requests, read, results}
}

function afterSome(delayMilliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMilliseconds)
  return () => clearTimeout(timer)
}

describe('a MetricTemplate with a configRef', () => {
  test("is asked with its Secret's document, and nothing else is", async () => {
    const {requests, read, results} = await evaluate('authorization: {credentials: hunter2}')
    expect(read).toEqual([{apiVersion: 'v1', kind: 'Secret', namespace: 'shop', name: 's'}])
    const theirs = requests.filter(({query}) => query === 'theirs')
    expect(theirs.length).toBeGreaterThan(0)
    for (const {httpConfig} of theirs) expect(httpConfig?.authorization?.credentials).toBe('hunter2')
    const others = requests.filter(({query}) => query !== 'theirs')
    expect(others.map(({query}) => query)).toContain('ours')
    for (const request of others) expect(request).not.toHaveProperty('httpConfig')
    expect(results.map(({verdict}) => verdict)).toEqual(['pass', 'pass'])
  })

  test.each<[string, string | undefined | ClusterError, RegExp]>([
    ['no such key', undefined, /Secret shop\/s has no key config: add it, or correct spec\.configRef/],
    ['a file of the controller', 'authorization: {credentials_file: /etc/passwd}', /can't name files/],
    ['no YAML', 'authorization: {credentials: hunter2', /is not YAML/],
    ['no right to read it', new ClusterError(403, 'Forbidden', 'secrets "s" is forbidden'), /secrets "s" is forbidden/],
  ])('%s: an error that says so, and the query is not sent', async (_, secret, message) => {
    const {requests, results} = await evaluate(secret)
    expect(requests.filter(({query}) => query === 'theirs')).toEqual([])
    const [theirs, ours] = results
    expect(theirs).toMatchObject({verdict: 'error', reason: 'Unauthorized', message: expect.stringMatching(message)})
    expect(ours).toMatchObject({verdict: 'pass'})
    expect(JSON.stringify(results)).not.toContain('hunter2')
  })
})
