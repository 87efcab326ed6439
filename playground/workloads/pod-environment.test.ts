import {describe, expect, it} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import {readBehaviour} from './pod-behaviour.ts'
import {resolveEnvironment} from './pod-environment.ts'

const objects: Record<string, KubeObject> = {
  'configmaps/settings': {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {name: 'settings'},
    data: {VERSION: '1', SHARE: '0.5'},
  },
  'secrets/password': {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {name: 'password'},
    data: {word: Buffer.from('open').toString('base64')},
  },
}

function resolve(container: object, more: object = {}): ReturnType<typeof resolveEnvironment> {
  const metadata = {name: 'pod', namespace: 'shop', labels: {app: 'checkout'}}
  const pod = {apiVersion: 'v1', kind: 'Pod', metadata, spec: {containers: [container], ...more}}
  return resolveEnvironment(pod, (resource, name) => objects[`${resource}/${name}`])
}

function variables(container: object): Record<string, string> {
  const found = resolve(container)
  if (found.kind === 'missing') throw new Error(found.message)
  return Object.fromEntries(found.variables)
}

describe('resolveEnvironment', () => {
  it('takes values from everywhere, later ones over earlier ones', () => {
    const envFrom = [{configMapRef: {name: 'settings'}}, {prefix: 'P_', secretRef: {name: 'password'}}]
    const env = [
      {name: 'VERSION', value: '2'},
      {name: 'FAILURE_SHARE', valueFrom: {configMapKeyRef: {name: 'settings', key: 'SHARE'}}},
      {name: 'ABSENT', valueFrom: {configMapKeyRef: {name: 'gone', key: 'x', optional: true}}},
      {name: 'WORD', valueFrom: {secretKeyRef: {name: 'password', key: 'word'}}},
      {name: 'APP', valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}},
    ]
    const expected = {VERSION: '2', SHARE: '0.5', P_word: 'open', FAILURE_SHARE: '0.5', WORD: 'open', APP: 'checkout'}
    expect(variables({envFrom, env})).toEqual(expected)
  })

  it.each([
    [{envFrom: [{configMapRef: {name: 'gone'}}]}, 'configmap "gone" not found'],
    [{env: [{name: 'A', valueFrom: {secretKeyRef: {name: 'gone', key: 'x'}}}]}, 'secret "gone" not found'],
    [
      {env: [{name: 'A', valueFrom: {configMapKeyRef: {name: 'settings', key: 'x'}}}]},
      "couldn't find key x in ConfigMap shop/settings",
    ],
  ])('says what is missing: %j', (container, message) => {
    expect(resolve(container)).toEqual({kind: 'missing', reason: 'CreateContainerConfigError', message})
  })

  it('waits for ConfigMaps that are mounted', () => {
    const volumes = [
      {name: 'files', projected: {sources: [{configMap: {name: 'settings'}}, {configMap: {name: 'gone'}}]}},
    ]
    expect(resolve({}, {volumes})).toMatchObject({
      reason: 'ContainerCreating',
      message: expect.stringContaining('configmap "gone" not found'),
    })
    expect(resolve({}, {volumes: [{name: 'files', configMap: {name: 'gone', optional: true}}]}).kind).toBe('resolved')
  })
})

describe('readBehaviour', () => {
  it('is good behaviour where nothing is said', () => {
    expect(readBehaviour(new Map())).toEqual({
      failureShare: 0,
      latencyMilliseconds: 0,
      latencyJitterMilliseconds: 0,
      startupMilliseconds: 0,
      ready: true,
      version: '',
    })
  })

  it.each([
    ['FAILURE_SHARE', '1.5'],
    ['LATENCY_MILLISECONDS', 'fast'],
    ['STARTUP_MILLISECONDS', '-1'],
  ])('refuses %s=%s', (name, value) => {
    expect(() => readBehaviour(new Map([[name, value]]))).toThrow(`environment variable ${name} is "${value}"`)
  })
})
