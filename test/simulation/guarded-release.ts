// Releases on the model cluster beside Istio's own objects, for the tests of what stands around a version.
import {expect} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {runUntil} from './driver.ts'
import {ModelCluster, type Oracle} from './model-cluster.ts'
import {settings as usual} from './usual-settings.ts'

export const settings = {...usual, mesh: 'istio' as const}
export const analysis = {
  interval: '5s',
  window: '5s',
  inconclusiveDeadline: '30s',
  checks: [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}],
}
export const fault = {service: 'payment', abort: 503}
export const faulty = {strategy: {canary: {steps: [{weight: 10, faults: [fault]}, {weight: 50}]}}, analysis}

export function until(cluster: ModelCluster, holds: () => boolean, limitMilliseconds = 120_000): void {
  expect(runUntil(cluster, holds, limitMilliseconds), `${cluster.status.phase}: ${cluster.status.message}`).toBe(true)
}

/** A cluster in which app:2 has just been merged. */
export function merged(spec: object, oracle: Oracle = () => 'pass', objects: KubeObject[] = []): ModelCluster {
  const cluster = new ModelCluster({...settings, spec}, oracle)
  for (const object of objects) cluster.put(object)
  until(cluster, () => cluster.status.phase === 'Healthy')
  cluster.deploy('app:2')
  return cluster
}

export function edit(cluster: ModelCluster, spec: object): void {
  cluster.rollout = {...cluster.rollout, spec: {...cluster.rollout.spec, ...spec}}
}

export function faultsOf(cluster: ModelCluster, slot = 'b'): KubeObject | undefined {
  return cluster.find('EnvoyFilter', `checkout-${slot}-faults`)
}
