// Defaulting: what schemas declare, and what the API server computes for built-in kinds.
import type {KubeObject} from '../../crds/meta.ts'
import {clone, isObject, setOwn, type Value} from './objects.ts'
import {fieldSchema, type Schema} from './schema.ts'

/** Fills declared defaults in, in place. */
export function applyDefaults(value: Value, schema: Schema | undefined): void {
  if (schema === undefined) return
  if (Array.isArray(value)) {
    for (const item of value) applyDefaults(item, schema.items)
    return
  }
  if (!isObject(value)) return
  for (const [field, inner] of Object.entries(schema.properties ?? {})) {
    const absent = value[field] === undefined || (value[field] === null && inner.nullable !== true)
    if (absent && inner.default !== undefined) setOwn(value, field, clone(inner.default))
  }
  for (const [field, item] of Object.entries(value)) applyDefaults(item, fieldSchema(schema, field))
}

/** What the store gives to defaulting: a free address for a Service, a free node port. */
export interface Allocator {
  clusterAddress(): string
  nodePort(): number
}

/** Computed defaults of built-in kinds, in place. `old` is the stored object on an update. */
export function applyBuiltInDefaults(
  resource: string,
  object: KubeObject,
  old: KubeObject | undefined,
  allocator: Allocator,
): void {
  switch (resource) {
    case 'pods':
      defaultPodSpec(object['spec'])
      defaultRequests(object['spec'])
      if (old === undefined) object['spec'].enableServiceLinks ??= true
      break
    case 'deployments.apps':
      defaultPodSpec(object['spec']?.template?.spec)
      defaultRollingUpdate(object['spec']?.strategy, {maxUnavailable: '25%', maxSurge: '25%'})
      break
    case 'statefulsets.apps':
      defaultPodSpec(object['spec']?.template?.spec)
      defaultRollingUpdate(object['spec']?.updateStrategy, {partition: 0})
      break
    case 'daemonsets.apps':
      defaultPodSpec(object['spec']?.template?.spec)
      defaultRollingUpdate(object['spec']?.updateStrategy, {maxUnavailable: 1, maxSurge: 0})
      break
    case 'replicasets.apps':
      defaultPodSpec(object['spec']?.template?.spec)
      break
    case 'services':
      defaultService(object, old, allocator)
      break
    case 'secrets':
      defaultSecret(object)
      break
    case 'namespaces':
      object.metadata.labels = {...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name}
      if (old === undefined) object['spec'] = {finalizers: ['kubernetes']}
      else object['spec'] = clone(old['spec'])
      break
    case 'horizontalpodautoscalers.autoscaling':
      defaultMetrics(object)
      break
    case 'customresourcedefinitions.apiextensions.k8s.io':
      defaultNames(object)
      break
  }
}

function defaultRollingUpdate(strategy: Value, values: Record<string, Value>): void {
  if (isObject(strategy) && strategy['type'] === 'RollingUpdate') {
    strategy['rollingUpdate'] = {...values, ...strategy['rollingUpdate']}
  }
}

function defaultPodSpec(spec: Value): void {
  if (!isObject(spec)) return
  const containers = [...(spec['containers'] ?? []), ...(spec['initContainers'] ?? [])]
  for (const container of containers) {
    if (!isObject(container)) continue
    container['imagePullPolicy'] ??= pullPolicy(String(container['image'] ?? ''))
  }
  if (spec['serviceAccountName'] !== undefined) spec['serviceAccount'] = spec['serviceAccountName']
  else if (spec['serviceAccount'] !== undefined) spec['serviceAccountName'] = spec['serviceAccount']
}

// Of Pods alone: the requests of a template stay as they were written.
function defaultRequests(spec: Value): void {
  for (const container of [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) {
    const limits = container?.resources?.limits
    if (isObject(limits)) container.resources.requests = {...limits, ...container.resources.requests}
  }
}

function pullPolicy(image: string): string {
  const name = image.slice(image.lastIndexOf('/') + 1)
  if (name.includes('@')) return 'IfNotPresent'
  const tag = name.includes(':') ? name.slice(name.indexOf(':') + 1) : 'latest'
  return tag === 'latest' ? 'Always' : 'IfNotPresent'
}

function defaultService(object: KubeObject, old: KubeObject | undefined, allocator: Allocator): void {
  const spec: Record<string, Value> = object['spec'] ?? {}
  const previous: Record<string, Value> = old?.['spec'] ?? {}
  for (const port of spec['ports'] ?? []) if (isObject(port)) port['targetPort'] ??= port['port']
  if (spec['type'] === 'ExternalName') return
  if (spec['clusterIP'] === undefined || spec['clusterIP'] === '') {
    spec['clusterIP'] = previous['clusterIP'] ?? allocator.clusterAddress()
  }
  spec['clusterIPs'] ??= [spec['clusterIP']]
  if (spec['clusterIPs'][0] !== spec['clusterIP']) spec['clusterIPs'] = [spec['clusterIP']]
  spec['ipFamilies'] ??= ['IPv4']
  spec['ipFamilyPolicy'] ??= 'SingleStack'
  spec['internalTrafficPolicy'] ??= 'Cluster'
  if (spec['sessionAffinity'] === 'ClientIP') spec['sessionAffinityConfig'] ??= {clientIP: {timeoutSeconds: 10800}}
  else delete spec['sessionAffinityConfig']
  if (spec['type'] === 'ClusterIP') return
  spec['externalTrafficPolicy'] ??= 'Cluster'
  if (spec['type'] === 'LoadBalancer') spec['allocateLoadBalancerNodePorts'] ??= true
  for (const port of spec['ports'] ?? []) {
    const same = (previous['ports'] ?? []).find(
      (other: Value) => other.port === port.port && other.protocol === port.protocol,
    )
    port.nodePort ??= same?.nodePort ?? allocator.nodePort()
  }
}

function defaultSecret(object: KubeObject): void {
  if (!isObject(object['stringData'])) return
  const encoded = Object.entries(object['stringData']).map(([key, value]) => [
    key,
    Buffer.from(String(value)).toString('base64'),
  ])
  object['data'] = {...object['data'], ...Object.fromEntries(encoded)}
  delete object['stringData']
}

function defaultMetrics(object: KubeObject): void {
  const spec = object['spec']
  if (!isObject(spec) || spec['metrics'] !== undefined || object.apiVersion !== 'autoscaling/v2') return
  spec['metrics'] = [{type: 'Resource', resource: {name: 'cpu', target: {type: 'Utilization', averageUtilization: 80}}}]
}

function defaultNames(object: KubeObject): void {
  const names = object['spec']?.names
  if (!isObject(names) || typeof names['kind'] !== 'string') return
  names['singular'] ??= names['kind'].toLowerCase()
  names['listKind'] ??= `${names['kind']}List`
}
