// The pod template, with the defaults that the API server gives it.
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
  quantityMap,
  type Schema,
  text,
  textMap,
  time,
  withDefault,
} from './schema.ts'
import {conditions, labelSelector, localObjectReference, objectMeta} from './schemas-meta.ts'

const keyReference = atomic(object({'key!': text, name: text, optional: flag}))
const fieldReference = atomic(object({apiVersion: withDefault(text, 'v1'), 'fieldPath!': text}))
const resourceFieldReference = atomic(object({containerName: text, 'resource!': text, divisor: intOrString}))

const environmentVariable = object({
  'name!': text,
  value: text,
  valueFrom: object({
    fieldRef: fieldReference,
    resourceFieldRef: resourceFieldReference,
    configMapKeyRef: keyReference,
    secretKeyRef: keyReference,
    fileKeyRef: open,
  }),
})

const httpGet = object({
  path: withDefault(text, '/'),
  'port!': intOrString,
  host: text,
  scheme: withDefault(text, 'HTTP'),
  httpHeaders: list(object({'name!': text, 'value!': text})),
})
const exec = object({command: list(text)})
const tcpSocket = object({'port!': intOrString, host: text})

const probe = object({
  httpGet,
  exec,
  tcpSocket,
  grpc: object({'port!': integer, service: withDefault(text, '')}),
  initialDelaySeconds: integer,
  timeoutSeconds: withDefault(integer, 1),
  periodSeconds: withDefault(integer, 10),
  successThreshold: withDefault(integer, 1),
  failureThreshold: withDefault(integer, 3),
  terminationGracePeriodSeconds: long,
})

const lifecycleHandler = object({httpGet, exec, tcpSocket, sleep: object({'seconds!': long})})

const containerPort = object({
  name: text,
  'containerPort!': {...integer, minimum: 1, maximum: 65535},
  protocol: withDefault(text, 'TCP'),
  hostPort: integer,
  hostIP: text,
})

const containerFields: Record<string, Schema> = {
  'name!': {...text, minLength: 1},
  image: text,
  command: list(text),
  args: list(text),
  workingDir: text,
  ports: listMap(containerPort, ['containerPort', 'protocol']),
  envFrom: list(
    object({
      prefix: text,
      configMapRef: object({name: text, optional: flag}),
      secretRef: object({name: text, optional: flag}),
    }),
  ),
  env: listMap(environmentVariable, ['name']),
  resources: withDefault(
    object({
      limits: quantityMap,
      requests: quantityMap,
      claims: listMap(object({'name!': text, request: text}), ['name']),
    }),
    {},
  ),
  resizePolicy: list(open),
  restartPolicy: text,
  restartPolicyRules: list(open),
  volumeMounts: listMap(
    object({
      'name!': text,
      'mountPath!': text,
      subPath: text,
      subPathExpr: text,
      readOnly: flag,
      recursiveReadOnly: text,
      mountPropagation: text,
    }),
    ['mountPath'],
  ),
  volumeDevices: listMap(object({'name!': text, 'devicePath!': text}), ['devicePath']),
  livenessProbe: probe,
  readinessProbe: probe,
  startupProbe: probe,
  lifecycle: object({postStart: lifecycleHandler, preStop: lifecycleHandler, stopSignal: text}),
  terminationMessagePath: withDefault(text, '/dev/termination-log'),
  terminationMessagePolicy: withDefault(text, 'File'),
  imagePullPolicy: text,
  securityContext: open,
  stdin: flag,
  stdinOnce: flag,
  tty: flag,
}

const container = object(containerFields)
const ephemeralContainer = object({...containerFields, targetContainerName: text})

const keyToPath = object({'key!': text, 'path!': text, mode: integer})
const downwardItem = object({
  'path!': text,
  fieldRef: fieldReference,
  resourceFieldRef: resourceFieldReference,
  mode: integer,
})

const projectedSource = object({
  secret: object({name: text, items: list(keyToPath), optional: flag}),
  configMap: object({name: text, items: list(keyToPath), optional: flag}),
  downwardAPI: object({items: list(downwardItem)}),
  serviceAccountToken: object({audience: text, expirationSeconds: withDefault(long, 3600), 'path!': text}),
  clusterTrustBundle: open,
  podCertificate: open,
})

const mode = withDefault(integer, 420)

const volume = object({
  'name!': text,
  configMap: object({name: text, items: list(keyToPath), defaultMode: mode, optional: flag}),
  secret: object({secretName: text, items: list(keyToPath), defaultMode: mode, optional: flag}),
  emptyDir: object({medium: text, sizeLimit: intOrString}),
  projected: object({sources: list(projectedSource), defaultMode: mode}),
  downwardAPI: object({items: list(downwardItem), defaultMode: mode}),
  hostPath: object({'path!': text, type: withDefault(text, '')}),
  persistentVolumeClaim: object({'claimName!': text, readOnly: flag}),
  ...Object.fromEntries(
    [
      'ephemeral csi nfs iscsi glusterfs rbd cinder cephfs flocker fc azureFile azureDisk flexVolume vsphereVolume',
      'quobyte portworxVolume scaleIO storageos photonPersistentDisk gcePersistentDisk awsElasticBlockStore gitRepo image',
    ]
      .join(' ')
      .split(' ')
      .map(source => [source, open]),
  ),
})

const nodeSelectorTerm = atomic(
  object({
    matchExpressions: list(object({'key!': text, 'operator!': text, values: list(text)})),
    matchFields: list(object({'key!': text, 'operator!': text, values: list(text)})),
  }),
)
const podAffinityTerm = object({
  labelSelector,
  namespaces: list(text),
  'topologyKey!': text,
  namespaceSelector: labelSelector,
  matchLabelKeys: list(text),
  mismatchLabelKeys: list(text),
})
const podAffinity = object({
  requiredDuringSchedulingIgnoredDuringExecution: list(podAffinityTerm),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    object({'weight!': integer, 'podAffinityTerm!': podAffinityTerm}),
  ),
})

const affinity = object({
  nodeAffinity: object({
    requiredDuringSchedulingIgnoredDuringExecution: atomic(object({'nodeSelectorTerms!': list(nodeSelectorTerm)})),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      object({'weight!': integer, 'preference!': nodeSelectorTerm}),
    ),
  }),
  podAffinity,
  podAntiAffinity: podAffinity,
})

const spread = object({
  'maxSkew!': integer,
  'topologyKey!': text,
  'whenUnsatisfiable!': text,
  labelSelector,
  minDomains: integer,
  nodeAffinityPolicy: text,
  nodeTaintsPolicy: text,
  matchLabelKeys: list(text),
})

const toleration = object({key: text, operator: text, value: text, effect: text, tolerationSeconds: long})

/** core/v1 PodSpec. */
export const podSpec: Schema = object({
  'containers!': {...listMap(container, ['name']), minItems: 1},
  initContainers: listMap(container, ['name']),
  ephemeralContainers: listMap(ephemeralContainer, ['name']),
  volumes: listMap(volume, ['name'], 'merge,retainKeys'),
  restartPolicy: withDefault(text, 'Always'),
  terminationGracePeriodSeconds: withDefault(long, 30),
  activeDeadlineSeconds: long,
  dnsPolicy: withDefault(text, 'ClusterFirst'),
  nodeSelector: atomic(textMap),
  serviceAccountName: text,
  serviceAccount: text,
  automountServiceAccountToken: flag,
  nodeName: text,
  hostNetwork: flag,
  hostPID: flag,
  hostIPC: flag,
  hostUsers: flag,
  hostnameOverride: text,
  shareProcessNamespace: flag,
  securityContext: withDefault(open, {}),
  imagePullSecrets: listMap(localObjectReference, ['name']),
  hostname: text,
  subdomain: text,
  affinity,
  schedulerName: withDefault(text, 'default-scheduler'),
  tolerations: list(toleration),
  hostAliases: listMap(object({'ip!': text, hostnames: list(text)}), ['ip']),
  priorityClassName: text,
  priority: integer,
  dnsConfig: open,
  readinessGates: list(object({'conditionType!': text})),
  runtimeClassName: text,
  enableServiceLinks: flag,
  preemptionPolicy: text,
  overhead: quantityMap,
  topologySpreadConstraints: listMap(spread, ['topologyKey', 'whenUnsatisfiable']),
  setHostnameAsFQDN: flag,
  os: open,
  schedulingGates: listMap(object({'name!': text}), ['name']),
  resourceClaims: listMap(open, ['name'], 'merge,retainKeys'),
  resources: open,
})

/** core/v1 PodTemplateSpec. */
export const podTemplate: Schema = object({metadata: objectMeta, spec: podSpec})

const containerStatuses = list(
  object({
    'name!': text,
    ready: flag,
    started: flag,
    restartCount: integer,
    image: text,
    imageID: text,
    containerID: text,
    state: open,
    lastState: open,
    allocatedResources: open,
    resources: open,
    volumeMounts: list(open),
    user: open,
  }),
)

/** core/v1 PodStatus. */
export const podStatus: Schema = object({
  phase: text,
  observedGeneration: long,
  conditions,
  message: text,
  reason: text,
  nominatedNodeName: text,
  hostIP: text,
  hostIPs: list(open),
  podIP: text,
  podIPs: listMap(object({'ip!': text}), ['ip']),
  startTime: time,
  containerStatuses,
  initContainerStatuses: containerStatuses,
  ephemeralContainerStatuses: containerStatuses,
  qosClass: text,
  resize: text,
  resourceClaimStatuses: list(open),
})
