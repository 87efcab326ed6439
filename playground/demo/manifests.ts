// What the demo's repository holds: the manifests that a user of Fairlead would write.
import {stringify} from 'yaml'
import type {DemoVariant} from './variants.ts'

/** One version of the demo's workload, and how it behaves. */
export interface DemoVersion {
  version: string
  /** Share of requests that it fails, 0 to 1. */
  failureShare: number
}

/** Header of the users who get the new version first in an A/B test, and how large a share of all they are. */
export const insiders = {header: 'x-group', value: 'insiders', share: 0.2} as const
/** Host that users outside of the cluster call. */
export const publicHost = 'shop.example.com'

export const demoNamespace = 'shop'
export const demoName = 'checkout'
const replicas = 3

/** The demo's own intervals: short, so that three releases fit into a minute. They are not the product's defaults. */
export const demoIntervals = {
  analysisInterval: '1s',
  analysisWindow: '3s',
  bake: '4s',
  drainTime: '1s',
  settle: '1s',
  settlingTime: '1s',
  gitInterval: '1s',
  abTest: '3s',
} as const

export function deploymentManifest({version, failureShare}: DemoVersion): string {
  return stringify({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name: demoName, labels: {app: demoName}},
    spec: {
      replicas,
      selector: {matchLabels: {app: demoName}},
      template: {
        metadata: {labels: {app: demoName}},
        spec: {
          containers: [
            {
              name: 'app',
              image: `shop/checkout:${version}`,
              ports: [{name: 'http', containerPort: 8080}],
              envFrom: [{configMapRef: {name: `${demoName}-settings`}}],
              env: [
                {name: 'VERSION', value: version},
                {name: 'FAILURE_SHARE', value: String(failureShare)},
                {name: 'STARTUP_MILLISECONDS', value: '500'},
              ],
            },
          ],
        },
      },
    },
  })
}

/** Everything beside the Deployment, by file name. */
export function otherManifests(alertAddress: string, variant: DemoVariant): Record<string, string> {
  return {
    'settings.yaml': stringify({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {name: `${demoName}-settings`},
      data: {LATENCY_MILLISECONDS: '3'},
    }),
    'service.yaml': stringify({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {name: demoName},
      spec: {selector: {app: demoName}, ports: [{name: 'http', port: 80, targetPort: 'http'}]},
    }),
    'alerts.yaml': stringify({
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'AlertChannel',
      metadata: {name: 'on-call'},
      spec: {webhook: {url: alertAddress}},
    }),
    'rollout.yaml': stringify(rolloutManifest(variant)),
    ...(variant.mesh === 'gateway-api' ? {'gateway.yaml': stringify(gatewayManifest())} : {}),
  }
}

/** The class of the demo's Gateway. The proxy names its metrics as Envoy Gateway does, and goes by its name. */
export function gatewayClassManifest(): object {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'GatewayClass',
    metadata: {name: gatewayClassName},
    spec: {controllerName: 'gateway.envoyproxy.io/playground'},
  }
}

const gatewayClassName = 'playground'

function gatewayManifest(): object {
  const listeners = [{name: 'http', port: 80, protocol: 'HTTP'}]
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: {name: 'public'},
    spec: {gatewayClassName, listeners},
  }
}

function trafficOf(mesh: DemoVariant['mesh']): object {
  const {settlingTime} = demoIntervals
  switch (mesh) {
    case 'istio':
      return {istio: {settlingTime}}
    case 'linkerd':
      return {linkerd: {settlingTime}}
    case 'gateway-api':
      return {gatewayAPI: {settlingTime, hosts: [publicHost], parentRefs: [{name: 'public'}]}}
    default:
      return mesh satisfies never
  }
}

function strategyOf(strategy: DemoVariant['strategy']): object {
  const {header: name, value: exact} = insiders
  switch (strategy) {
    case 'canary':
      return {canary: {steps: [{weight: 10}, {weight: 50}]}}
    case 'blue-green':
      return {blueGreen: {}}
    case 'ab':
      return {abTest: {match: [{headers: [{name, exact}]}], duration: demoIntervals.abTest}}
    default:
      return strategy satisfies never
  }
}

function rolloutManifest({mesh, strategy}: DemoVariant): object {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    metadata: {name: demoName},
    spec: {
      targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: demoName},
      traffic: trafficOf(mesh),
      strategy: strategyOf(strategy),
      analysis: {
        interval: demoIntervals.analysisInterval,
        window: demoIntervals.analysisWindow,
        // Ten requests a second for the canary: the standard margins would take three quarters of a minute per step.
        preset: 'lowTraffic',
        checks: [
          {name: 'errors', compare: {metric: 'requestErrors'}},
          {name: 'latency', threshold: {metric: 'requestDuration', quantile: 0.99, max: 500}},
        ],
      },
      bake: {duration: demoIntervals.bake},
      drainTime: demoIntervals.drainTime,
      revision: {settle: demoIntervals.settle},
      alerts: [{channelRef: {name: 'on-call'}, severity: 'warn'}],
    },
  }
}

/** The GitSync that makes a cluster follow the demo's repository. */
export function gitSyncManifest(url: string): {
  apiVersion: string
  kind: string
  metadata: {name: string; namespace: string}
  spec: object
} {
  return {
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'GitSync',
    metadata: {name: demoName, namespace: demoNamespace},
    spec: {url, ref: {branch: 'main'}, path: 'deploy', interval: demoIntervals.gitInterval},
  }
}
