// The Gateway API with the Service as a route's parent (GAMMA): callers inside the cluster, by the name of the Service.
import {expect, test} from 'vitest'
import {ModelCluster} from './model-cluster.ts'
import {untilBake} from './releasing.ts'
import {settings as usual} from './usual-settings.ts'

test('callers inside, by the name of the Service, have the shares of the steps', () => {
  const settings = {...usual, mesh: 'gatewayAPI, inside'} as const
  const analysis = {interval: '5s', window: '5s', checks: [{name: 'success', threshold: {query: 'up', min: 1}}]}
  const spec = {strategy: {canary: {steps: [{weight: 20}, {weight: 50}]}}, analysis}
  const cluster = new ModelCluster({...settings, spec}, () => 'pass')
  const seen: (number | undefined)[] = []
  const look = () => {
    const b = cluster.reading().route?.shares.b
    if (seen.length === 0 || b !== seen.at(-1)) seen.push(b)
  }
  look()
  untilBake(cluster, look)
  expect([seen, cluster.dropped]).toEqual([[undefined, 0, 20, 50, 100], 0])
})
