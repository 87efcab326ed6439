// What `kubectl get` shows of built-in kinds.
import type {KubeObject} from '../../crds/meta.ts'
import {isObject, type Value} from './objects.ts'
import type {PrinterColumn} from './types.ts'

type Cell = (object: KubeObject, nowMilliseconds: number) => string | number | null

function column(name: string, cell: Cell, extra: Partial<PrinterColumn> = {}): PrinterColumn {
  return {name, type: 'string', cell, ...extra}
}

const wide = {priority: 1}

/** The first column of every table. */
export const nameColumn: PrinterColumn = column('Name', object => object.metadata.name, {format: 'name'})
/** The age of an object since its creation. */
export const ageColumn: PrinterColumn = column('Age', (object, now) => age(object.metadata.creationTimestamp, now))

/** Time since a timestamp, as kubectl writes it; `<unknown>` without one. */
function age(timestamp: Value, nowMilliseconds: number): string {
  const then = typeof timestamp === 'string' ? Date.parse(timestamp) : Number.NaN
  return Number.isNaN(then) ? '<unknown>' : humanDuration((nowMilliseconds - then) / 1000)
}

function humanDuration(durationSeconds: number): string {
  const seconds = Math.trunc(durationSeconds)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const parts = (large: number, small: number, units: string) => {
    const rest = Math.trunc((seconds % large) / small)
    return `${Math.trunc(seconds / large)}${units[0]}${rest === 0 ? '' : `${rest}${units[1]}`}`
  }
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return parts(60, 1, 'ms')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return parts(3600, 60, 'hm')
  if (hours < 48) return `${hours}h`
  if (hours < 192) return parts(86400, 3600, 'dh')
  const days = Math.trunc(hours / 24)
  if (days < 730) return `${days}d`
  return days < 2920
    ? `${Math.trunc(days / 365)}y${days % 365 === 0 ? '' : `${days % 365}d`}`
    : `${Math.trunc(days / 365)}y`
}

function joined(items: Value[], none = '<none>'): string {
  return items.length === 0 ? none : items.join(',')
}

function labelText(labels: Value): string {
  return joined(Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`))
}

function containers(spec: Value): Value[] {
  return spec?.containers ?? []
}

const containersColumn = (specOf: (object: KubeObject) => Value) => [
  column('Containers', object => joined(containers(specOf(object)).map(item => item.name)), wide),
  column('Images', object => joined(containers(specOf(object)).map(item => item.image)), wide),
]
const templateColumns = [
  ...containersColumn(object => object['spec']?.template?.spec),
  column('Selector', object => labelText(object['spec']?.selector?.matchLabels), wide),
]

function podStatus(pod: KubeObject): string {
  const {status = {}} = pod
  let reason = status.reason ?? status.phase ?? 'Unknown'
  for (const container of status.containerStatuses ?? []) {
    const state = container.state ?? {}
    reason = state.waiting?.reason ?? state.terminated?.reason ?? reason
  }
  return pod.metadata.deletionTimestamp === undefined ? reason : 'Terminating'
}

// Text, since kube-apiserver adds when the last restart was.
function restarts(pod: KubeObject): string {
  const statuses: Value[] = pod['status']?.containerStatuses ?? []
  return String(statuses.reduce((sum, item) => sum + (item.restartCount ?? 0), 0))
}

function podReady(pod: KubeObject): string {
  const ready = (pod['status']?.containerStatuses ?? []).filter((item: Value) => item.ready === true).length
  return `${ready}/${containers(pod['spec']).length}`
}

function count(path: 'spec' | 'status', field: string): Cell {
  return object => object[path]?.[field] ?? 0
}

const number = {type: 'integer'}

function servicePorts(service: KubeObject): string {
  const ports: Value[] = service['spec']?.ports ?? []
  return joined(ports.map(port => `${port.port}${port.nodePort ? `:${port.nodePort}` : ''}/${port.protocol}`))
}

function externalAddress(service: KubeObject): string {
  if (service['spec']?.type === 'ExternalName') return service['spec'].externalName
  const ingress: Value[] = service['status']?.loadBalancer?.ingress ?? []
  if (ingress.length > 0) return ingress.map(item => item.ip ?? item.hostname).join(',')
  return service['spec']?.type === 'LoadBalancer' ? '<pending>' : joined(service['spec']?.externalIPs ?? [])
}

function eventAge(event: KubeObject, now: number): string {
  return age(
    event['series']?.lastObservedTime ??
      event['lastTimestamp'] ??
      event['eventTime'] ??
      event.metadata.creationTimestamp,
    now,
  )
}

const eventColumns = [
  column('Last Seen', eventAge),
  column('Type', event => event['type'] ?? ''),
  column('Reason', event => event['reason'] ?? ''),
  column('Object', event => {
    const about = event['involvedObject'] ?? event['regarding'] ?? {}
    return `${String(about.kind ?? '').toLowerCase()}/${about.name ?? ''}`
  }),
  column('Source', event => event['source']?.component ?? event['reportingComponent'] ?? '', wide),
  column('Message', event => String(event['message'] ?? event['note'] ?? '').trim()),
  column('Count', event => event['count'] ?? 1, wide),
  {...nameColumn, priority: 1},
]

function endpointAddresses(slice: KubeObject): string {
  const addresses = (slice['endpoints'] ?? []).flatMap((item: Value) => item.addresses ?? [])
  return addresses.length > 3
    ? `${addresses.slice(0, 3).join(',')} + ${addresses.length - 3} more...`
    : joined(addresses, '<unset>')
}

const data = [
  column('Data', object => Object.keys(object['data'] ?? {}).length + Object.keys(object['binaryData'] ?? {}).length),
]

function hpaTargets(object: KubeObject): string {
  const current: Value[] = object['status']?.currentMetrics ?? []
  const metrics: Value[] = object['spec']?.metrics ?? []
  return joined(
    metrics.map((metric, index) => {
      const source = metric.resource ?? metric.pods ?? metric.external ?? metric.object ?? {}
      const now = (current[index]?.resource ?? {}).current?.averageUtilization
      const wanted = source.target?.averageUtilization
      const name = source.name ?? source.metric?.name ?? ''
      return `${name}: ${now === undefined ? '<unknown>' : `${now}%`}/${wanted === undefined ? '<auto>' : `${wanted}%`}`
    }),
  )
}

/** Columns by resource; what isn't here shows its name and age. */
export const builtInColumns: Readonly<Record<string, PrinterColumn[]>> = {
  namespaces: [nameColumn, column('Status', object => object['status']?.phase ?? ''), ageColumn],
  pods: [
    nameColumn,
    column('Ready', podReady),
    column('Status', podStatus),
    column('Restarts', restarts),
    ageColumn,
    column('IP', pod => pod['status']?.podIP ?? '<none>', wide),
    column('Node', pod => pod['spec']?.nodeName ?? '<none>', wide),
    column('Nominated Node', pod => pod['status']?.nominatedNodeName ?? '<none>', wide),
    column('Readiness Gates', () => '<none>', wide),
  ],
  services: [
    nameColumn,
    column('Type', object => object['spec']?.type ?? ''),
    column('Cluster-IP', object => object['spec']?.clusterIP ?? '<none>'),
    column('External-IP', externalAddress),
    column('Port(s)', servicePorts),
    ageColumn,
    column('Selector', object => labelText(object['spec']?.selector), wide),
  ],
  configmaps: [nameColumn, ...data, ageColumn],
  secrets: [nameColumn, column('Type', object => object['type'] ?? ''), ...data, ageColumn],
  events: eventColumns,
  'events.events.k8s.io': eventColumns,
  nodes: [
    nameColumn,
    column('Status', node => {
      const ready = (node['status']?.conditions ?? []).find((item: Value) => item.type === 'Ready')
      return ready?.status === 'True' ? 'Ready' : 'NotReady'
    }),
    ageColumn,
    column('Version', node => node['status']?.nodeInfo?.kubeletVersion ?? ''),
  ],
  'deployments.apps': [
    nameColumn,
    column('Ready', object => `${object['status']?.readyReplicas ?? 0}/${object['spec']?.replicas ?? 0}`),
    column('Up-to-date', count('status', 'updatedReplicas')),
    column('Available', count('status', 'availableReplicas')),
    ageColumn,
    ...templateColumns,
  ],
  'replicasets.apps': [
    nameColumn,
    column('Desired', count('spec', 'replicas'), number),
    column('Current', count('status', 'replicas'), number),
    column('Ready', count('status', 'readyReplicas'), number),
    ageColumn,
    ...templateColumns,
  ],
  'statefulsets.apps': [
    nameColumn,
    column('Ready', object => `${object['status']?.readyReplicas ?? 0}/${object['spec']?.replicas ?? 0}`),
    ageColumn,
    ...templateColumns.slice(0, 2),
  ],
  'daemonsets.apps': [
    nameColumn,
    column('Desired', count('status', 'desiredNumberScheduled'), number),
    column('Current', count('status', 'currentNumberScheduled'), number),
    column('Ready', count('status', 'numberReady'), number),
    column('Up-to-date', count('status', 'updatedNumberScheduled'), number),
    column('Available', count('status', 'numberAvailable'), number),
    ageColumn,
    ...templateColumns,
  ],
  'controllerrevisions.apps': [
    nameColumn,
    column('Controller', object => {
      const owner = object.metadata.ownerReferences?.find(item => item.controller === true)
      return owner === undefined
        ? '<none>'
        : `${owner.kind.toLowerCase()}.${owner.apiVersion.split('/')[0]}/${owner.name}`
    }),
    column('Revision', object => object['revision'] ?? 0),
    ageColumn,
  ],
  'endpointslices.discovery.k8s.io': [
    nameColumn,
    column('AddressType', object => object['addressType'] ?? ''),
    column('Ports', object =>
      joined(
        (object['ports'] ?? []).map((port: Value) => port.port ?? '*'),
        '<unset>',
      ),
    ),
    column('Endpoints', endpointAddresses),
    ageColumn,
  ],
  'horizontalpodautoscalers.autoscaling': [
    nameColumn,
    column('Reference', object => `${object['spec']?.scaleTargetRef?.kind}/${object['spec']?.scaleTargetRef?.name}`),
    column('Targets', hpaTargets),
    column('MinPods', count('spec', 'minReplicas')),
    column('MaxPods', count('spec', 'maxReplicas')),
    column('Replicas', count('status', 'currentReplicas')),
    ageColumn,
  ],
  'leases.coordination.k8s.io': [
    nameColumn,
    column('Holder', object => object['spec']?.holderIdentity ?? ''),
    ageColumn,
  ],
  'customresourcedefinitions.apiextensions.k8s.io': [
    nameColumn,
    column('Created At', object => object.metadata.creationTimestamp ?? ''),
  ],
  'poddisruptionbudgets.policy': [
    nameColumn,
    column('Min Available', object => object['spec']?.minAvailable ?? 'N/A'),
    column('Max Unavailable', object => object['spec']?.maxUnavailable ?? 'N/A'),
    column('Allowed Disruptions', count('status', 'disruptionsAllowed'), number),
    ageColumn,
  ],
}

/** A cell of a custom resource's column, from what its path found. */
export function customCell(found: Value[], type: string, nowMilliseconds: number): string | number | boolean | null {
  const [value] = found
  if (value === undefined || value === null) return type === 'date' ? '<unknown>' : null
  if (type === 'date') return age(value, nowMilliseconds)
  if (type === 'integer' || type === 'number' || type === 'boolean') return value
  if (found.length > 1 && !found.some(isObject)) return found.join(' ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
