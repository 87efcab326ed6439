// The rest of core/v1, and the small groups.
import {
  atomic,
  flag,
  integer,
  intOrString,
  list,
  listMap,
  long,
  object,
  open,
  type Schema,
  set,
  text,
  textMap,
  time,
  withDefault,
} from './schema.ts'
import {conditions, kindSchema, labelSelector, localObjectReference, objectReference} from './schemas-meta.ts'
import {podSpec, podStatus} from './schemas-pod.ts'

const servicePort = object({
  name: text,
  'port!': {...integer, minimum: 1, maximum: 65535},
  targetPort: intOrString,
  protocol: withDefault(text, 'TCP'),
  appProtocol: text,
  nodePort: integer,
})

const serviceSpec = object({
  ports: listMap(servicePort, ['port', 'protocol']),
  selector: atomic(textMap),
  type: withDefault({...text, enum: ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']}, 'ClusterIP'),
  clusterIP: text,
  clusterIPs: list(text),
  externalIPs: list(text),
  externalName: text,
  externalTrafficPolicy: text,
  internalTrafficPolicy: text,
  ipFamilies: list(text),
  ipFamilyPolicy: text,
  sessionAffinity: withDefault(text, 'None'),
  sessionAffinityConfig: object({clientIP: object({timeoutSeconds: withDefault(integer, 10800)})}),
  loadBalancerIP: text,
  loadBalancerClass: text,
  loadBalancerSourceRanges: list(text),
  allocateLoadBalancerNodePorts: flag,
  healthCheckNodePort: integer,
  publishNotReadyAddresses: flag,
  trafficDistribution: text,
})

const loadBalancer = object({loadBalancer: object({ingress: list(open)}), conditions})

const eventFields: Record<string, Schema> = {
  type: text,
  reason: text,
  action: text,
  eventTime: {...time, nullable: true},
  series: object({count: integer, lastObservedTime: time}),
  related: objectReference,
  reportingInstance: withDefault(text, ''),
}
const eventSource = object({component: text, host: text})

const endpointAddress = atomic(object({'ip!': text, hostname: text, nodeName: text, targetRef: objectReference}))

const endpoint = object({
  'addresses!': set(text),
  conditions: object({ready: flag, serving: flag, terminating: flag}),
  hostname: text,
  targetRef: objectReference,
  nodeName: text,
  zone: text,
  deprecatedTopology: textMap,
  hints: open,
})

/** Schemas of core/v1 by kind; the pod template has its own file. */
export const coreSchemas = {
  Namespace: kindSchema({
    spec: withDefault(object({finalizers: list(text)}), {}),
    status: object({phase: text, conditions}),
  }),
  Pod: kindSchema({spec: podSpec, status: podStatus}),
  Service: kindSchema({spec: serviceSpec, status: withDefault(loadBalancer, {loadBalancer: {}})}),
  ConfigMap: kindSchema({data: textMap, binaryData: textMap, immutable: flag}),
  Secret: kindSchema({data: textMap, stringData: textMap, type: withDefault(text, 'Opaque'), immutable: flag}),
  Event: kindSchema({
    ...eventFields,
    'involvedObject!': objectReference,
    message: text,
    source: withDefault(eventSource, {}),
    firstTimestamp: {...time, nullable: true},
    lastTimestamp: {...time, nullable: true},
    count: integer,
    reportingComponent: withDefault(text, ''),
  }),
  Endpoints: kindSchema({
    subsets: list(
      object({
        addresses: list(endpointAddress),
        notReadyAddresses: list(endpointAddress),
        ports: list(object({name: text, 'port!': integer, protocol: withDefault(text, 'TCP'), appProtocol: text})),
      }),
    ),
  }),
  ServiceAccount: kindSchema({
    secrets: listMap(objectReference, ['name']),
    imagePullSecrets: list(localObjectReference),
    automountServiceAccountToken: flag,
  }),
  Node: kindSchema({
    spec: withDefault(
      object({
        podCIDR: text,
        podCIDRs: set(text),
        providerID: text,
        unschedulable: flag,
        taints: list(object({'key!': text, value: text, 'effect!': text, timeAdded: time})),
        configSource: open,
        externalID: text,
      }),
      {},
    ),
    status: object(
      {addresses: listMap(object({'type!': text, 'address!': text}), ['type']), conditions, nodeInfo: open},
      {'x-kubernetes-preserve-unknown-fields': true},
    ),
  }),
} as const

const metricSpec = open
const scalingRules = object({
  stabilizationWindowSeconds: integer,
  selectPolicy: text,
  policies: list(object({'type!': text, 'value!': integer, 'periodSeconds!': integer})),
  tolerance: intOrString,
})

/** Schemas of the small groups by kind. */
export const smallGroupSchemas = {
  NewEvent: kindSchema({
    ...eventFields,
    regarding: objectReference,
    note: text,
    reportingController: text,
    deprecatedSource: eventSource,
    deprecatedFirstTimestamp: {...time, nullable: true},
    deprecatedLastTimestamp: {...time, nullable: true},
    deprecatedCount: integer,
  }),
  EndpointSlice: kindSchema({
    'addressType!': text,
    'endpoints!': list(endpoint),
    ports: list(object({name: text, port: integer, protocol: withDefault(text, 'TCP'), appProtocol: text})),
  }),
  HorizontalPodAutoscaler: kindSchema({
    spec: object({
      'scaleTargetRef!': atomic(object({apiVersion: text, 'kind!': text, 'name!': text})),
      minReplicas: withDefault(integer, 1),
      'maxReplicas!': {...integer, minimum: 1},
      metrics: list(metricSpec),
      behavior: object({scaleUp: scalingRules, scaleDown: scalingRules}),
    }),
    status: object({
      observedGeneration: long,
      lastScaleTime: time,
      currentReplicas: integer,
      desiredReplicas: integer,
      currentMetrics: list(open),
      conditions,
    }),
  }),
  Lease: kindSchema({
    spec: object({
      holderIdentity: text,
      leaseDurationSeconds: integer,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: integer,
      strategy: text,
      preferredHolder: text,
    }),
  }),
  PodDisruptionBudget: kindSchema({
    spec: object({
      minAvailable: intOrString,
      maxUnavailable: intOrString,
      selector: labelSelector,
      unhealthyPodEvictionPolicy: text,
    }),
    status: object(
      {
        observedGeneration: long,
        conditions,
        disruptionsAllowed: integer,
        currentHealthy: integer,
        desiredHealthy: integer,
        expectedPods: integer,
      },
      {'x-kubernetes-preserve-unknown-fields': true},
    ),
  }),
  CustomResourceDefinition: kindSchema({
    spec: object({
      'group!': text,
      'names!': object({
        'plural!': text,
        singular: text,
        'kind!': text,
        listKind: text,
        shortNames: list(text),
        categories: list(text),
      }),
      'scope!': {...text, enum: ['Cluster', 'Namespaced']},
      'versions!': list(open),
      conversion: withDefault(object({strategy: text, webhook: open}), {strategy: 'None'}),
      preserveUnknownFields: flag,
    }),
    status: object({conditions, acceptedNames: open, storedVersions: list(text), observedGeneration: long}),
  }),
} as const
