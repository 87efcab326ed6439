// The registry of what is served: built-in resources, and custom ones while their definitions exist.
import type {KubeObject} from '../../crds/meta.ts'
import {firstAutoscalerVersion} from './autoscaler-versions.ts'
import {builtInColumns} from './columns.ts'
import type {Schema} from './schema.ts'
import {appsSchemas} from './schemas-apps.ts'
import {coreSchemas, smallGroupSchemas} from './schemas-core.ts'
import type {ResourceAlias, ResourceDefinition, ResourceVersion, ScaleDefinition} from './types.ts'

interface BuiltIn {
  group: string
  version: string
  kind: string
  plural: string
  schema: Schema
  shortNames?: string[]
  /** `all` is the category of `kubectl get all`. */
  inAll?: boolean
  clusterScoped?: boolean
  hasStatus?: boolean
  hasGeneration?: boolean
  scale?: ScaleDefinition
  alias?: ResourceAlias
  /** Served beside `version`, under which objects are stored. */
  otherVersions?: Pick<ResourceVersion, 'name' | 'schema' | 'conversion'>[]
}

const workloadScale: ScaleDefinition = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  labelSelectorPath: '.spec.selector',
}
const workload = {group: 'apps', version: 'v1', inAll: true, hasStatus: true, hasGeneration: true}
const core = {group: '', version: 'v1'}

// events.k8s.io renames some fields of core events.
const renamedEventFields = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
] as const

function renameEvent(event: KubeObject, apiVersion: string, from: 0 | 1): KubeObject {
  const result: KubeObject = {...event, apiVersion}
  for (const pair of renamedEventFields) {
    const source = pair[from]
    const target = pair[1 - from] as string
    if (result[source] === undefined) continue
    result[target] = result[source]
    delete result[source]
  }
  return result
}

const eventAlias: ResourceAlias = {
  id: 'events',
  fromStorage: event => renameEvent(event, 'events.k8s.io/v1', 1),
  toStorage: event => {
    const stored = renameEvent(event, 'v1', 0)
    stored['involvedObject'] ??= {}
    return stored
  },
}

const builtIns: BuiltIn[] = [
  {
    ...core,
    kind: 'Namespace',
    plural: 'namespaces',
    schema: coreSchemas.Namespace,
    shortNames: ['ns'],
    clusterScoped: true,
    hasStatus: true,
  },
  {
    ...core,
    kind: 'Pod',
    plural: 'pods',
    schema: coreSchemas.Pod,
    shortNames: ['po'],
    inAll: true,
    hasStatus: true,
    hasGeneration: true,
  },
  {
    ...core,
    kind: 'Service',
    plural: 'services',
    schema: coreSchemas.Service,
    shortNames: ['svc'],
    inAll: true,
    hasStatus: true,
  },
  {...core, kind: 'ConfigMap', plural: 'configmaps', schema: coreSchemas.ConfigMap, shortNames: ['cm']},
  {...core, kind: 'Secret', plural: 'secrets', schema: coreSchemas.Secret},
  {...core, kind: 'Event', plural: 'events', schema: coreSchemas.Event, shortNames: ['ev']},
  {...core, kind: 'Endpoints', plural: 'endpoints', schema: coreSchemas.Endpoints, shortNames: ['ep']},
  {...core, kind: 'ServiceAccount', plural: 'serviceaccounts', schema: coreSchemas.ServiceAccount, shortNames: ['sa']},
  {
    ...core,
    kind: 'Node',
    plural: 'nodes',
    schema: coreSchemas.Node,
    shortNames: ['no'],
    clusterScoped: true,
    hasStatus: true,
  },
  {
    ...workload,
    kind: 'Deployment',
    plural: 'deployments',
    schema: appsSchemas.Deployment,
    shortNames: ['deploy'],
    scale: workloadScale,
  },
  {
    ...workload,
    kind: 'ReplicaSet',
    plural: 'replicasets',
    schema: appsSchemas.ReplicaSet,
    shortNames: ['rs'],
    scale: workloadScale,
  },
  {
    ...workload,
    kind: 'StatefulSet',
    plural: 'statefulsets',
    schema: appsSchemas.StatefulSet,
    shortNames: ['sts'],
    scale: workloadScale,
  },
  {...workload, kind: 'DaemonSet', plural: 'daemonsets', schema: appsSchemas.DaemonSet, shortNames: ['ds']},
  {
    group: 'apps',
    version: 'v1',
    kind: 'ControllerRevision',
    plural: 'controllerrevisions',
    schema: appsSchemas.ControllerRevision,
  },
  {
    group: 'discovery.k8s.io',
    version: 'v1',
    kind: 'EndpointSlice',
    plural: 'endpointslices',
    schema: smallGroupSchemas.EndpointSlice,
    hasGeneration: true,
  },
  {
    group: 'autoscaling',
    version: 'v2',
    kind: 'HorizontalPodAutoscaler',
    plural: 'horizontalpodautoscalers',
    schema: smallGroupSchemas.HorizontalPodAutoscaler,
    shortNames: ['hpa'],
    inAll: true,
    hasStatus: true,
    otherVersions: [firstAutoscalerVersion],
  },
  {group: 'coordination.k8s.io', version: 'v1', kind: 'Lease', plural: 'leases', schema: smallGroupSchemas.Lease},
  {
    group: 'events.k8s.io',
    version: 'v1',
    kind: 'Event',
    plural: 'events',
    schema: smallGroupSchemas.NewEvent,
    shortNames: ['ev'],
    alias: eventAlias,
  },
  {
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    schema: smallGroupSchemas.CustomResourceDefinition,
    shortNames: ['crd', 'crds'],
    clusterScoped: true,
    hasStatus: true,
    hasGeneration: true,
  },
  {
    group: 'policy',
    version: 'v1',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    schema: smallGroupSchemas.PodDisruptionBudget,
    shortNames: ['pdb'],
    hasStatus: true,
    hasGeneration: true,
  },
]

function define(builtIn: BuiltIn): ResourceDefinition {
  const {group, kind, plural} = builtIn
  const id = resourceId(plural, group)
  const version = {
    name: builtIn.version,
    schema: builtIn.schema,
    columns: builtInColumns[id] ?? [],
    hasStatus: builtIn.hasStatus === true,
    ...(builtIn.scale === undefined ? {} : {scale: builtIn.scale}),
  }
  return {
    id,
    group,
    plural,
    singular: kind.toLowerCase(),
    kind,
    listKind: `${kind}List`,
    namespaced: builtIn.clusterScoped !== true,
    shortNames: builtIn.shortNames ?? [],
    categories: builtIn.inAll === true ? ['all'] : [],
    versions: [version, ...(builtIn.otherVersions ?? []).map(other => ({...version, ...other}))],
    custom: false,
    hasGeneration: builtIn.hasGeneration === true,
    ...(builtIn.alias === undefined ? {} : {alias: builtIn.alias}),
  }
}

/** The id under which the store knows a resource. */
export function resourceId(plural: string, group: string): string {
  return group === '' ? plural : `${plural}.${group}`
}

/** The apiVersion of a group and a version. */
export function apiVersionOf(group: string, version: string): string {
  return group === '' ? version : `${group}/${version}`
}

/** Splits an apiVersion into its group (empty for the core group) and its version. */
export function splitApiVersion(apiVersion: string): {group: string; version: string} {
  const [first = '', second] = apiVersion.split('/')
  return second === undefined ? {group: '', version: first} : {group: first, version: second}
}

/** All resources that are served. */
export class Registry {
  private readonly definitions = new Map<string, ResourceDefinition>()

  constructor() {
    for (const builtIn of builtIns) this.add(define(builtIn))
  }

  add(definition: ResourceDefinition): void {
    this.definitions.set(definition.id, definition)
  }

  remove(id: string): void {
    this.definitions.delete(id)
  }

  get(id: string): ResourceDefinition | undefined {
    return this.definitions.get(id)
  }

  byKind(apiVersion: string, kind: string): ResourceDefinition | undefined {
    const {group, version} = splitApiVersion(apiVersion)
    return this.all().find(
      item => item.group === group && item.kind === kind && item.versions.some(served => served.name === version),
    )
  }

  all(): ResourceDefinition[] {
    return [...this.definitions.values()]
  }
}
