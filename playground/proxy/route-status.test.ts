import {expect, it} from 'vitest'
import {systemClock} from '../../controller/shell/clock.ts'
import {service} from '../workloads/fixtures.ts'
import {MemoryStore} from '../workloads/test-support/memory-store.ts'
import {answerRoutes} from './route-status.ts'

it('routes are answered at their generation for a Gateway, without one for a Service', async () => {
  const store = new MemoryStore()
  for (const name of ['checkout', 'checkout-a']) store.create(service(name, {app: name}))
  const spec = {
    parentRefs: [{name: 'public'}, {group: '', kind: 'Service', name: 'checkout'}],
    rules: [{backendRefs: [{name: 'checkout-a'}]}],
  }
  const metadata = {name: 'checkout', namespace: 'shop'}
  const made = store.create({apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata, spec})
  const answering = answerRoutes(store, systemClock(), 0)
  const parents = () => store.get('httproutes.gateway.networking.k8s.io', 'shop', 'checkout')?.status?.parents
  await expect.poll(parents).toHaveLength(2)
  const [gateway, ofService] = parents()
  expect(gateway).toMatchObject({parentRef: {name: 'public'}})
  for (const {status, observedGeneration} of gateway.conditions) {
    expect([status, observedGeneration]).toEqual(['True', 1])
  }
  expect(ofService).toMatchObject({controllerName: 'linkerd.io/policy-controller', parentRef: {group: 'core'}})
  expect(ofService.conditions.every((one: object) => !('observedGeneration' in one))).toBe(true)
  const current = store.get('httproutes.gateway.networking.k8s.io', 'shop', 'checkout') ?? made
  store.update({...current, spec: {...spec, rules: [{backendRefs: [{name: 'nobody'}]}]}})
  await expect
    .poll(() => parents()[0].conditions[1])
    .toMatchObject({type: 'ResolvedRefs', status: 'False', reason: 'BackendNotFound', observedGeneration: 2})
  answering.close()
})
