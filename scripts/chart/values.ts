// The chart's values: the schema, the defaults and the documentation in one. `npm run generate` makes values.yaml,
// values.schema.json and the table in the chart's README from it.
import {z} from 'zod'
import {admissionPolicyValues, monitoringValues, networkPolicyValues} from './values-optional.ts'
import {gitSyncValues, meshValues, secretValues} from './values-permissions.ts'

const text = (description: string, value = '') => z.string().default(value).describe(description)
const flag = (description: string, value: boolean) => z.boolean().default(value).describe(description)
const integer = (description: string, value: number, min: number, max: number) =>
  z.int().min(min).max(max).default(value).describe(description)
const map = (description: string) => z.record(z.string(), z.string()).default({}).describe(description)
/** Kubernetes' own shapes: the API server checks them. */
const raw = z.record(z.string(), z.unknown())
const objects = (description: string) => z.array(raw).default([]).describe(description)

const image = z
  .strictObject({
    repository: text(
      'Repository of the image, required: there is no published one yet, so build it from the Dockerfile.',
    ),
    tag: text("Tag; the chart's appVersion when empty."),
    digest: z
      .string()
      .regex(/^(sha256:[0-9a-f]{64})?$/)
      .default('')
      .describe('Digest, such as sha256:…; where it is set the tag does not count.'),
    pullPolicy: z
      .enum(['Always', 'IfNotPresent', 'Never'])
      .default('IfNotPresent')
      .describe('When the image is pulled.'),
  })
  .describe("The controller's image.")

const prometheus = z
  .strictObject({
    address: z
      .string()
      .regex(/^(https?:\/\/.+)?$/)
      .default('')
      .describe('Prometheus that analyses ask, such as http://prometheus.monitoring:9090. Required.'),
    configSecret: z
      .strictObject({
        name: text('Name of the Secret; none when empty.', ''),
        key: text('Key of it.', 'http_config.yaml'),
      })
      .prefault({})
      .describe(
        "Secret in the release's namespace that says how to connect, in the words of the http_config of Prometheus: basic_auth, authorization, sigv4, tls_config, http_headers. Its other keys may be named as files.",
      ),
  })
  .describe('Where the metrics come from.')

const controller = z
  .strictObject({
    logLevel: z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .default('info')
      .describe('Least severe log line.'),
    concurrency: integer('Passes at once, for Rollouts and GitSyncs each.', 8, 1, 64),
    listenAddress: text('Address of the health and metrics endpoints; `::` where pods have IPv6 alone.', '0.0.0.0'),
    port: integer('Port of the health and metrics endpoints.', 8080, 1024, 65_535),
    extraArgs: z.array(z.string()).default([]).describe('Further arguments of `fairlead controller`.'),
    extraEnv: objects('Further environment variables of the container, as in a Pod.'),
  })
  .describe('The process itself.')

const serviceAccount = z
  .strictObject({
    create: flag('Make a ServiceAccount.', true),
    name: text('Name of it; made from the release when empty.'),
    annotations: map('Annotations of the ServiceAccount.'),
  })
  .describe('Who the controller is.')

const rbac = z
  .strictObject({
    create: flag(
      "Make the controller's roles and bindings; without them nothing works until somebody else grants the same.",
      true,
    ),
    userRoles: flag(
      "Make ClusterRoles that add Fairlead's kinds to view, edit and admin. Only where the controller looks at every namespace.",
      true,
    ),
  })
  .describe('Permissions; docs/install.md says what each is for.')

const crds = z
  .strictObject({
    install: flag('Install and upgrade the CustomResourceDefinitions with the chart.', true),
    keep: flag('Keep them, and with them every Rollout, when the chart is uninstalled.', true),
  })
  .describe('CustomResourceDefinitions.')

const podDisruptionBudget = z
  .strictObject({
    enabled: flag('Make a PodDisruptionBudget.', true),
    maxUnavailable: integer('Pods that a drain may take at once.', 1, 0, 100),
  })
  .describe('Voluntary disruptions.')

const service = z
  .strictObject({
    port: integer('Port of the Service.', 8080, 1, 65_535),
    annotations: map('Annotations of the Service.'),
  })
  .describe('Service of the metrics and health endpoints.')

const pod = {
  podAnnotations: map('Annotations of the pods.'),
  podLabels: map('Further labels of the pods.'),
  resources: raw
    .default({requests: {cpu: '50m', memory: '160Mi'}, limits: {memory: '512Mi'}})
    .describe(
      'Resources of the container. An idle controller of up to 100 Rollouts holds some 125 to 150 MiB, one of 1,000 some 300 (measured); the limit leaves room for lists and Git.',
    ),
  gitCacheSizeLimit: text('Size limit of the volume for Git clones; one clone holds at most 256 MiB.', '2Gi'),
  temporarySizeLimit: text('Size limit of the volume at /tmp.', '64Mi'),
  nodeSelector: map('Nodes that may run the controller.'),
  tolerations: objects('Taints that it tolerates.'),
  affinity: raw.default({}).describe('Affinity of the pods.'),
  topologySpreadConstraints: objects('How the pods spread; over nodes where possible when empty.'),
  priorityClassName: text('Priority class of the pods, such as system-cluster-critical.'),
  terminationGracePeriodSeconds: integer(
    'Time that a pod gets to end: up to 10 s for passes under way, 10 s for events and 2 s for answers.',
    30,
    25,
    600,
  ),
}

export const chartValues = z
  .strictObject({
    global: raw.default({}).describe('Values of a parent chart; Fairlead reads none.'),
    nameOverride: text('Replaces the name of the chart in the names of its objects.'),
    fullnameOverride: text('Replaces the whole name of its objects.'),
    namespace: z
      .string()
      .max(63)
      .default('')
      .describe(
        'The only namespace that the controller looks at: then it gets Roles alone. Every namespace when empty.',
      ),
    replicaCount: integer('Pods. One acts, the others are ready to take over.', 2, 0, 10),
    prometheus,
    image,
    imagePullSecrets: objects('Secrets for the registry, as `name: …`.'),
    controller,
    meshes: meshValues,
    secrets: secretValues,
    gitSync: gitSyncValues,
    serviceAccount,
    rbac,
    crds,
    ...pod,
    podDisruptionBudget,
    service,
    ...monitoringValues,
    networkPolicy: networkPolicyValues,
    admissionPolicy: admissionPolicyValues,
  })
  .describe('Values of the chart fairlead.')
