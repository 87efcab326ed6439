// Objects that the tests of the contract create.
import type {KubeObject} from '../../../crds/meta.ts'

export function configMap(namespace: string, name: string, labels: Record<string, string> = {}): KubeObject {
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {namespace, name, labels}, data: {key: 'value'}}
}

/** Paused, so that its controller starts nothing; it still writes status. */
export function deployment(namespace: string, name: string, replicas?: number): KubeObject {
  const labels = {app: name}
  const template = {metadata: {labels}, spec: {containers: [{name: 'app', image: 'example.com/app:1'}]}}
  const spec = {selector: {matchLabels: labels}, template, ...(replicas === undefined ? {} : {replicas})}
  return {apiVersion: 'apps/v1', kind: 'Deployment', metadata: {namespace, name}, spec}
}

/** A Pod for which no scheduler feels responsible, so that nobody else writes it. */
export function unscheduledPod(namespace: string, name: string): KubeObject {
  const spec = {schedulerName: 'nobody', containers: [{name: 'app', image: 'example.com/app:1'}]}
  return {apiVersion: 'v1', kind: 'Pod', metadata: {namespace, name}, spec}
}

export function service(namespace: string, name: string): KubeObject {
  const spec = {selector: {app: name}, ports: [{name: 'http', port: 80}]}
  return {apiVersion: 'v1', kind: 'Service', metadata: {namespace, name}, spec}
}

export function rollout(namespace: string, name: string, changes: object = {}): KubeObject {
  const spec = {
    targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name},
    traffic: {istio: {}},
    strategy: {canary: {steps: [{weight: 20}]}},
    ...changes,
  }
  return {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', metadata: {namespace, name}, spec}
}

const widgetSchema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      required: ['size'],
      properties: {
        size: {type: 'integer', minimum: 1, maximum: 10},
        colour: {type: 'string', enum: ['red', 'green'], default: 'green'},
        code: {type: 'string', pattern: '^[a-z]+$', maxLength: 5},
        low: {type: 'integer'},
        high: {type: 'integer'},
        fixed: {
          type: 'string',
          'x-kubernetes-validations': [{rule: 'self == oldSelf', message: 'fixed never changes'}],
        },
        set: {type: 'array', 'x-kubernetes-list-type': 'set', items: {type: 'string'}},
        atomic: {type: 'array', 'x-kubernetes-list-type': 'atomic', items: {type: 'string'}},
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: {name: {type: 'string'}, port: {type: 'integer'}, protocol: {type: 'string', default: 'TCP'}},
          },
        },
        options: {type: 'object', 'x-kubernetes-preserve-unknown-fields': true},
        nested: {type: 'object', default: {}, properties: {depth: {type: 'integer', default: 3}}},
      },
      'x-kubernetes-validations': [
        {rule: '!has(self.low) || !has(self.high) || self.low <= self.high', message: 'low must not exceed high'},
      ],
    },
    status: {type: 'object', properties: {phase: {type: 'string'}, replicas: {type: 'integer'}}},
  },
}

/** The definition of a kind Widget that has something of everything a schema can ask for. */
export function widgetDefinition(group: string): KubeObject {
  const additionalPrinterColumns = [
    {name: 'Size', type: 'integer', jsonPath: '.spec.size'},
    {name: 'Colour', type: 'string', jsonPath: '.spec.colour', priority: 1},
    {name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp'},
  ]
  const served = {
    served: true,
    storage: true,
    schema: {openAPIV3Schema: widgetSchema},
    subresources: {status: {}},
    additionalPrinterColumns,
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {name: `widgets.${group}`},
    spec: {
      group,
      scope: 'Namespaced',
      names: {plural: 'widgets', singular: 'widget', kind: 'Widget', listKind: 'WidgetList', shortNames: ['wd']},
      versions: [{name: 'v1', ...served}],
    },
  }
}
