// Without a mesh nobody looks into a port: whatever a Service speaks, its pods are shared out, and its ports stay as they are.
import {expect, test} from 'vitest'
import {ModelCluster} from './model-cluster.ts'
import {untilBake} from './releasing.ts'
import {settings as usual} from './usual-settings.ts'

const settings = {...usual, mesh: 'none'} as const
const analysis = {interval: '5s', window: '5s', checks: [{name: 'success', threshold: {query: 'up', min: 1}}]}

/** A release of app:2 in which the callers' Service has one port: the versions behind it, one after the other. */
function versionsBehind(port: object, strategy: object): string[] {
  const cluster = new ModelCluster({...settings, spec: {strategy, analysis}}, () => 'pass')
  const specOf = (name: string) => cluster.find('Service', name)?.spec
  const service = cluster.find('Service', 'checkout')
  if (!service) throw new Error('no Service')
  cluster.put({...service, spec: {...service.spec, ports: [port]}})
  const seen: string[] = []
  const look = () => {
    expect(specOf('checkout').ports).toEqual([port])
    const images = new Set(cluster.readyWith(specOf('checkout').selector).map(({object}) => object['image'] as string))
    const mixture = [...images].toSorted().join(' and ')
    if (mixture !== seen.at(-1)) seen.push(mixture)
  }
  untilBake(cluster, look)
  for (const slot of ['a', 'b']) expect(specOf(`checkout-${slot}`).ports).toMatchObject([port])
  expect(cluster.dropped).toBe(0)
  return seen
}

test.each([
  ['gRPC', {name: 'api', port: 9090, targetPort: 9090, protocol: 'TCP', appProtocol: 'grpc'}],
  ['TCP', {name: 'db', port: 5432, targetPort: 5432, protocol: 'TCP'}],
])('without a mesh a Service of %s: a canary has the share of its pods, and blue/green moves all of it', (_, port) => {
  expect(versionsBehind(port, {canary: {steps: [{weight: 25}]}})).toEqual(['app:1', 'app:1 and app:2', 'app:2'])
  expect(versionsBehind(port, {blueGreen: {}})).toEqual(['app:1', 'app:2'])
})
