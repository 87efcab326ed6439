// What a team has in its namespace: a Deployment, its Service and ConfigMap, and the Rollout that releases it.
import type {KubeObject} from '../../../crds/meta.ts'

export const name = 'checkout'
export const settingsName = 'checkout-settings'

/** Intervals that let a release of two steps end within ten seconds. They are not the product's defaults. */
const rolloutSpec = {
  targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name},
  traffic: {istio: {settlingTime: '1s'}},
  strategy: {canary: {steps: [{weight: 10}, {weight: 50}]}},
  analysis: {
    interval: '1s',
    window: '3s',
    checks: [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}],
  },
  bake: {duration: '2s'},
  drainTime: '1s',
  revision: {settle: '1s'},
}

export interface TargetOptions {
  image?: string
  /** 2 when the key is absent; undefined leaves the field out. */
  replicas?: number | undefined
  labels?: Record<string, string>
}

export function image(version: string): string {
  return `shop/checkout:${version}`
}

export function target(options: TargetOptions = {}): KubeObject {
  const {image: of = image('1'), labels = {}} = options
  const replicas = 'replicas' in options ? options.replicas : 2
  const own = {app: name}
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name, labels: {...own, ...labels}},
    spec: {
      ...(replicas === undefined ? {} : {replicas}),
      selector: {matchLabels: own},
      template: {
        metadata: {labels: own},
        spec: {
          containers: [
            {
              name: 'app',
              image: of,
              ports: [{name: 'http', containerPort: 8080}],
              envFrom: [{configMapRef: {name: settingsName}}],
            },
          ],
          // kwok's pods end at once; what the real kubelet would wait for is not under test here.
          terminationGracePeriodSeconds: 1,
        },
      },
    },
  }
}

export function service(): KubeObject {
  const ports = [{name: 'http', port: 80, targetPort: 'http'}]
  return {apiVersion: 'v1', kind: 'Service', metadata: {name}, spec: {selector: {app: name}, ports}}
}

export function settings(mode: string): KubeObject {
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: settingsName}, data: {MODE: mode}}
}

/** @param overrides laid over the spec, key by key */
export function rollout(overrides: Record<string, unknown> = {}): KubeObject {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    metadata: {name},
    spec: {...rolloutSpec, ...overrides},
  }
}
