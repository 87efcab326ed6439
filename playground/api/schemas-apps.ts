// apps/v1, with its defaults.
import {integer, intOrString, list, object, open, type Schema, text, withDefault} from './schema.ts'
import {kindSchema, labelSelector, workloadStatus} from './schemas-meta.ts'
import {podTemplate} from './schemas-pod.ts'

const replicas = withDefault({...integer, minimum: 0}, 1)
const revisionHistoryLimit = withDefault(integer, 10)

const deploymentSpec: Schema = object({
  replicas,
  'selector!': labelSelector,
  template: podTemplate,
  strategy: withDefault(
    object({
      type: withDefault({...text, enum: ['RollingUpdate', 'Recreate']}, 'RollingUpdate'),
      rollingUpdate: object({
        maxSurge: withDefault(intOrString, '25%'),
        maxUnavailable: withDefault(intOrString, '25%'),
      }),
    }),
    {},
  ),
  minReadySeconds: integer,
  revisionHistoryLimit,
  progressDeadlineSeconds: withDefault(integer, 600),
  paused: {type: 'boolean'},
})

const statefulSetSpec: Schema = object({
  replicas,
  'selector!': labelSelector,
  template: podTemplate,
  serviceName: text,
  podManagementPolicy: withDefault(text, 'OrderedReady'),
  updateStrategy: withDefault(
    object({
      type: withDefault(text, 'RollingUpdate'),
      rollingUpdate: object({partition: withDefault(integer, 0), maxUnavailable: intOrString}),
    }),
    {},
  ),
  revisionHistoryLimit,
  minReadySeconds: integer,
  volumeClaimTemplates: list(open),
  persistentVolumeClaimRetentionPolicy: withDefault(open, {whenDeleted: 'Retain', whenScaled: 'Retain'}),
  ordinals: object({start: integer}),
})

const daemonSetSpec: Schema = object({
  'selector!': labelSelector,
  template: podTemplate,
  updateStrategy: withDefault(
    object({
      type: withDefault(text, 'RollingUpdate'),
      rollingUpdate: object({maxUnavailable: withDefault(intOrString, 1), maxSurge: withDefault(intOrString, 0)}),
    }),
    {},
  ),
  revisionHistoryLimit,
  minReadySeconds: integer,
})

/** Schemas of apps/v1 by kind. */
export const appsSchemas = {
  Deployment: kindSchema({
    spec: deploymentSpec,
    status: workloadStatus([
      'replicas',
      'updatedReplicas',
      'readyReplicas',
      'availableReplicas',
      'unavailableReplicas',
      'terminatingReplicas',
    ]),
  }),
  ReplicaSet: kindSchema({
    spec: object({replicas, minReadySeconds: integer, 'selector!': labelSelector, template: podTemplate}),
    status: workloadStatus([
      'replicas',
      'fullyLabeledReplicas',
      'readyReplicas',
      'availableReplicas',
      'terminatingReplicas',
    ]),
  }),
  StatefulSet: kindSchema({
    spec: statefulSetSpec,
    status: workloadStatus(['replicas', 'readyReplicas', 'currentReplicas', 'updatedReplicas', 'availableReplicas'], {
      currentRevision: text,
      updateRevision: text,
    }),
  }),
  DaemonSet: kindSchema({
    spec: daemonSetSpec,
    status: workloadStatus([
      'currentNumberScheduled',
      'numberMisscheduled',
      'desiredNumberScheduled',
      'numberReady',
      'updatedNumberScheduled',
      'numberAvailable',
      'numberUnavailable',
    ]),
  }),
  ControllerRevision: kindSchema({
    data: {...open, 'x-kubernetes-map-type': 'atomic'},
    'revision!': {type: 'integer', format: 'int64'},
  }),
} as const
