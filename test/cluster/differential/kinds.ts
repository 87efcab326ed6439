// Kinds of the differential test, with bodies that are right, changed and wrong. None has a controller that would race the
// test, except Deployments: those are paused and at zero.
import type {KubeObject} from '../../../crds/meta.ts'

export type Random = () => number

// biome-ignore lint/suspicious/noExplicitAny: bodies are built to be wrong too.
type Loose = any

export interface Kind {
  /** Path of the collection below the namespace's, such as `/api/v1` and `configmaps`. */
  root: string
  plural: string
  apiVersion: string
  kind: string
  /** Whether a controller writes such objects: then no version of them is foreseeable. */
  contested?: boolean
  subresources?: readonly string[]
  /** Everything but apiVersion, kind and metadata. */
  content(random: Random): Loose
  /** A part of the content, for patches and applies. */
  part(random: Random): Loose
  /** Content with something wrong. */
  wrong: readonly ((content: Loose) => Loose)[]
}

export function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T
}

const ports = (random: Random) =>
  pick(random, [
    [{name: 'http', port: 80}],
    [
      {name: 'http', port: 80, targetPort: 8080},
      {name: 'metrics', port: 9090, protocol: 'TCP'},
    ],
    [{name: 'http', port: 8080, targetPort: 'web'}],
  ])

const container = (random: Random, name: string) => ({
  name,
  image: pick(random, ['example.com/app:1', 'example.com/app:2']),
  ...(random() < 0.5 ? {env: [{name: 'MODE', value: pick(random, ['x', 'y'])}]} : {}),
  ...(random() < 0.3 ? {ports: [{containerPort: pick(random, [80, 8080])}]} : {}),
})

const steps = (random: Random) => pick(random, [[{weight: 20}], [{weight: 5}, {weight: 50, pause: {}}]])

const extra = (content: Loose) => ({...content, spec: {...content.spec, unknownField: 1}})
const specless = ({spec: _, ...content}: Loose) => content

export const kinds: readonly Kind[] = [
  {
    root: '/api/v1',
    plural: 'configmaps',
    apiVersion: 'v1',
    kind: 'ConfigMap',
    content: random => ({
      data: {key: pick(random, ['1', '2', '3']), ...(random() < 0.5 ? {other: 'x'} : {})},
      ...(random() < 0.1 ? {immutable: true} : {}),
      ...(random() < 0.2 ? {binaryData: {blob: 'AAEC'}} : {}),
    }),
    part: random => ({data: {[pick(random, ['key', 'other', 'third'])]: pick(random, ['1', '2', null])}}),
    wrong: [
      content => ({...content, data: {'not a key': 'x'}}),
      content => ({...content, data: {key: 1}}),
      content => ({...content, binaryData: {blob: 'not base64!'}}),
      content => ({...content, unknownField: 1}),
    ],
  },
  {
    root: '/api/v1',
    plural: 'secrets',
    apiVersion: 'v1',
    kind: 'Secret',
    content: random => ({
      ...(random() < 0.5 ? {stringData: {key: pick(random, ['1', '2'])}} : {data: {key: 'MQ=='}}),
      ...(random() < 0.3 ? {type: 'example.com/own'} : {}),
    }),
    part: random => pick(random, [{data: {key: 'Mg=='}}, {stringData: {other: 'x'}}, {data: {key: null}}]),
    wrong: [content => ({...content, data: {key: '%'}}), content => ({...content, data: {'a b': 'MQ=='}})],
  },
  {
    root: '/api/v1',
    plural: 'services',
    apiVersion: 'v1',
    kind: 'Service',
    content: random => ({
      spec: {
        selector: {app: pick(random, ['a', 'b'])},
        ports: ports(random),
        ...(random() < 0.2 ? {sessionAffinity: 'ClientIP'} : {}),
      },
    }),
    part: random => ({spec: pick(random, [{ports: ports(random)}, {selector: {app: 'c'}}, {selector: {tier: 'x'}}])}),
    wrong: [
      content => ({spec: {...content.spec, ports: [{port: 0}]}}),
      content => ({spec: {...content.spec, ports: [{port: 80}, {port: 81}]}}),
      content => ({spec: {...content.spec, type: 'Nonsense'}}),
      content => ({spec: {...content.spec, selector: {'bad key!': 'x'}}}),
    ],
  },
  {
    root: '/apis/apps/v1',
    plural: 'deployments',
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    contested: true,
    content: random => ({
      spec: {
        paused: true,
        replicas: 0,
        selector: {matchLabels: {app: 'a'}},
        template: {
          metadata: {labels: {app: 'a'}},
          spec: {containers: [container(random, 'app'), ...(random() < 0.4 ? [container(random, 'side')] : [])]},
        },
      },
    }),
    part: random => ({
      spec: pick(random, [
        {template: {spec: {containers: [{name: 'app', image: 'example.com/app:3'}]}}},
        {template: {spec: {containers: [container(random, 'side')]}}},
        {revisionHistoryLimit: 3},
        {template: {metadata: {annotations: {changed: pick(random, ['1', '2'])}}}},
      ]),
    }),
    wrong: [
      content => ({spec: {...content.spec, selector: {matchLabels: {app: 'other'}}}}),
      content => ({spec: {...content.spec, template: {metadata: {labels: {app: 'a'}}, spec: {containers: []}}}}),
      content => ({spec: {...content.spec, replicas: -1}}),
      content => ({spec: {...content.spec, replicas: 'two'}}),
      extra,
    ],
  },
  {
    root: '/apis/apps/v1',
    plural: 'controllerrevisions',
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    content: random => ({revision: pick(random, [1, 2]), data: {template: {a: 1}}}),
    part: random => ({revision: pick(random, [1, 2, 3])}),
    wrong: [content => ({...content, data: {other: true}}), content => ({...content, revision: -1})],
  },
  {
    root: '/apis/coordination.k8s.io/v1',
    plural: 'leases',
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    content: random => ({spec: {holderIdentity: pick(random, ['x', 'y']), leaseDurationSeconds: 15}}),
    part: random => ({spec: {holderIdentity: pick(random, ['x', 'z'])}}),
    wrong: [content => ({spec: {...content.spec, leaseDurationSeconds: 0}}), extra],
  },
  {
    root: '/apis/fairlead.dev/v1alpha1',
    plural: 'rollouts',
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'Rollout',
    subresources: ['status', 'scale'],
    content: random => ({
      spec: {
        targetRef: {apiVersion: 'apps/v1', kind: 'Deployment', name: 'target'},
        traffic: {istio: {}},
        strategy: {canary: {steps: steps(random)}},
        ...(random() < 0.4 ? {replicas: pick(random, [1, 2])} : {}),
        ...(random() < 0.4
          ? {analysis: {checks: [{name: 'a', threshold: {metric: 'requestSuccessRate', min: 99}}]}}
          : {}),
      },
    }),
    part: random => ({
      spec: pick(random, [
        {replicas: pick(random, [1, 2, 3])},
        {strategy: {canary: {steps: steps(random)}}},
        {analysis: {checks: [{name: 'b', threshold: {query: 'up', min: 1}}]}},
        {suspend: true},
      ]),
    }),
    wrong: [
      specless,
      extra,
      content => ({spec: {...content.spec, traffic: {}}}),
      content => ({spec: {...content.spec, replicas: -1}}),
      content => ({spec: {...content.spec, strategy: {canary: {steps: [{weight: 101}]}}}}),
      content => ({spec: {...content.spec, bake: {duration: 'soon'}}}),
      content => ({spec: {...content.spec, targetRef: {kind: 'Pod', name: 'x'}}}),
    ],
  },
  {
    root: '/apis/fairlead.dev/v1alpha1',
    plural: 'metrictemplates',
    apiVersion: 'fairlead.dev/v1alpha1',
    kind: 'MetricTemplate',
    content: random => ({spec: {query: pick(random, ['up', 'vector(1)'])}}),
    part: random => ({spec: {query: pick(random, ['up', 'sum(up)'])}}),
    wrong: [specless, extra, () => ({spec: {query: 1}}), () => ({spec: {query: ''}})],
  },
]

export function objectOf(kind: Kind, name: string, content: Loose, metadata: object = {}): KubeObject {
  return {apiVersion: kind.apiVersion, kind: kind.kind, metadata: {name, ...metadata}, ...content}
}
