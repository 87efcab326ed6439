// The reflectors of everything that gather reads, and the way from a changed object to the Rollouts that it concerns.
import type {KubeObject, ObjectRef} from '../../crds/meta.ts'
import {apiVersion, baseNameOf, labels} from '../../crds/names.ts'
import {meshes} from '../../mesh/registry.ts'
import type {Mesh, MeshContext, MeshKind} from '../../mesh/types.ts'
import {trackedReferences} from '../core/config-references.ts'
import {previewNameOf} from '../core/preview.ts'
import type {Clock, Random} from '../ports.ts'
import type {WatchQuery, WatchSource} from './kube-client.ts'
import type {Logger} from './log.ts'
import type {Lookup} from './lookup.ts'
import {MeshIndex} from './mesh-index.ts'
import {Reflector, type ReflectorState} from './reflector.ts'

export interface CachesOptions {
  source: WatchSource
  clock: Clock
  random: Random
  log: Logger
  /** The only namespace to look at; all when absent. */
  namespace?: string
  /** Keys of the meshes to look at; all when absent. */
  meshes?: readonly string[]
  /** Namespaces whose Rollouts may track Secrets; all that are looked at when absent. */
  secretNamespaces?: readonly string[]
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration'

/** Longest time between two looks for a kind of ours: without it there is nothing to do. */
const maxAbsenceMilliseconds = 5000

/** What is followed. Pods, slices, snapshots and Secrets only where they are ours; ConfigMaps by metadata alone. */
function followed(options: CachesOptions): WatchQuery[] {
  const {namespace, meshes: wanted} = options
  const ours = {labelSelector: labels.rollout}
  const followedMeshes = Object.entries(meshes).filter(([key]) => wanted === undefined || wanted.includes(key))
  const queries: WatchQuery[] = [
    {apiVersion, kind: 'Rollout'},
    {apiVersion, kind: 'GitSync'},
    {apiVersion, kind: 'MetricTemplate'},
    {apiVersion, kind: 'AlertChannel'},
    {apiVersion: 'apps/v1', kind: 'Deployment'},
    {apiVersion: 'apps/v1', kind: 'DaemonSet'},
    {apiVersion: 'apps/v1', kind: 'ControllerRevision', ...ours},
    {apiVersion: 'v1', kind: 'Service'},
    {apiVersion: 'v1', kind: 'Pod', ...ours},
    {apiVersion: 'v1', kind: 'ConfigMap', metadataOnly: true},
    {apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice', ...ours},
    {apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler'},
    ...followedMeshes.flatMap(([, mesh]) => mesh.kinds.flatMap(kind => queriesFor(kind, namespace))),
  ]
  const secrets = {apiVersion: 'v1', kind: 'Secret', metadataOnly: true, ...ours}
  const within = namespace === undefined ? {} : {namespace}
  return [
    ...queries.map(query => ({...query, ...within})),
    // Whoever may list Secrets may read all of them, so each of these namespaces was opted in.
    ...(options.secretNamespaces?.map(one => ({...secrets, namespace: one})) ?? [{...secrets, ...within}]),
  ]
}

/** None where one namespace is looked at, and the kind lies in none: the rights are for that namespace. */
function queriesFor(
  {apiVersion: version, kind, scope, name, metadataOnly}: MeshKind,
  within: string | undefined,
): WatchQuery[] {
  if (scope === 'Cluster' && within !== undefined) return []
  const narrow = {...(name === undefined ? {} : {name}), ...(metadataOnly ? {metadataOnly} : {})}
  return [{apiVersion: version, kind, ...narrow}]
}

/** Kinds of which the core reads who manages what. */
const kindsWithManagers: ReadonlySet<string> = new Set(['Rollout', 'Deployment', 'Service'])

/** Without the managers of fields, which are half of many an object, and kubectl's copy of the whole. */
function trimmed({metadata, ...rest}: KubeObject): KubeObject {
  const {managedFields: _fields, annotations: {[lastApplied]: _copy, ...annotations} = {}, ...kept} = metadata
  return {...rest, metadata: metadata.annotations ? {...kept, annotations} : kept}
}

/** The same, but with who manages each field of the spec: routes may be borrowed. */
function trimmedRoute(object: KubeObject): KubeObject {
  const managedFields = object.metadata.managedFields?.map(({manager, operation, subresource, fieldsV1}) => ({
    ...(manager === undefined ? {} : {manager}),
    ...(operation === undefined ? {} : {operation}),
    ...(subresource === undefined ? {} : {subresource}),
    fieldsV1: {'f:spec': Object.fromEntries(Object.keys(fieldsV1?.['f:spec'] ?? {}).map(field => [field, {}]))},
  }))
  const {metadata, ...rest} = trimmed(object)
  return {...rest, metadata: managedFields ? {...metadata, managedFields} : metadata}
}

function isOfMesh({apiVersion: version, kind}: WatchQuery): boolean {
  return Object.values(meshes).some(mesh => mesh.kinds.some(one => one.kind === kind && one.apiVersion === version))
}

function keyOf({apiVersion: version, kind, namespace}: WatchQuery, everywhere: string | undefined): string {
  return namespace === everywhere ? `${version}/${kind}` : `${version}/${kind}/${namespace}`
}

/** Told which Rollout (`namespace/name`) something concerns. */
export type Enqueue = (key: string) => void

export class Caches implements Lookup {
  readonly namespace: string | undefined
  readonly #reflectors = new Map<string, Reflector>()
  readonly #meshIndex = new MeshIndex()

  constructor(options: CachesOptions) {
    this.namespace = options.namespace
    for (const query of followed(options)) {
      const {source, clock, random, log} = options
      const own = query.apiVersion === apiVersion ? {maxAbsenceMilliseconds} : {}
      const transform = kindsWithManagers.has(query.kind) ? {} : {transform: isOfMesh(query) ? trimmedRoute : trimmed}
      const reflector = new Reflector({source, query, clock, random, log, ...own, ...transform})
      this.#reflectors.set(keyOf(query, options.namespace), reflector)
      // Before anybody else is told, who may ask the index at once.
      if (isOfMesh(query)) reflector.onChange((_, old, current) => this.#meshIndex.objectChanged(old, current))
      if (query.apiVersion === apiVersion && query.kind === 'Rollout')
        reflector.onChange((key, old, current) => this.#meshIndex.rolloutChanged(key, old, current))
    }
  }

  start(): void {
    for (const reflector of this.#reflectors.values()) reflector.start()
  }

  /** Resolves once every kind was listed, or found to be missing or forbidden; the states by kind. */
  async synced(): Promise<Map<string, ReflectorState>> {
    const entries = [...this.#reflectors].map(async ([kind, reflector]) => [kind, await reflector.synced] as const)
    return new Map(await Promise.all(entries))
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#reflectors.values()].map(reflector => reflector.stop()))
  }

  get(ref: ObjectRef): KubeObject | undefined {
    return this.#find(ref.apiVersion, ref.kind, ref.namespace)?.store.get(ref.namespace, ref.name)
  }

  list(version: string, kind: string, namespace?: string): KubeObject[] {
    return this.#find(version, kind, namespace)?.store.list(namespace) ?? []
  }

  meshObjects(mesh: Mesh, context: MeshContext): KubeObject[] {
    return this.#meshIndex.objectsFor(mesh, context)
  }

  missing(version: string, kind: string, namespace?: string): boolean {
    return (this.#find(version, kind, namespace)?.state ?? 'missing') === 'missing'
  }

  forbidden(version: string, kind: string, namespace?: string): string | undefined {
    const reflector = this.#find(version, kind, namespace)
    return reflector?.state === 'forbidden' ? (reflector.lastError ?? 'forbidden') : undefined
  }

  #find(version: string, kind: string, namespace: string | undefined): Reflector | undefined {
    return this.#reflectors.get(`${version}/${kind}`) ?? this.#reflectors.get(`${version}/${kind}/${namespace}`)
  }

  reached(version: string, kind: string, resourceVersion: string): boolean {
    return this.#reflectors.get(`${version}/${kind}`)?.reached(resourceVersion) ?? true
  }

  /** Kinds that can't be followed as things are, with the reason. A kind that was known and is away for now is none. */
  troubles(): string[] {
    return [...this.#reflectors].flatMap(([kind, {state, lastError, query}]) => {
      if (state === 'missing') {
        if (query.apiVersion !== apiVersion) return []
        return [`${kind}: not installed. Fix: apply the CustomResourceDefinitions of this version of Fairlead`]
      }
      return state === 'synced' ? [] : [`${kind}: ${lastError ?? state}`]
    })
  }

  /** Calls back with the key of every GitSync that changes. */
  onGitSync(enqueue: Enqueue): void {
    this.#reflectors.get(`${apiVersion}/GitSync`)?.onChange(key => enqueue(key))
  }

  /** Calls back with the key of every Rollout that a change concerns. */
  onRollout(enqueue: Enqueue): void {
    for (const [kind, reflector] of this.#reflectors) {
      if (kind === `${apiVersion}/GitSync`) continue
      // A kind that was installed, or that may be read again, may hold no object and still change every decision.
      reflector.onState(() => this.#all(enqueue))
      reflector.onChange((key, old, current) => {
        if (kind === `${apiVersion}/Rollout`) enqueue(key)
        if (isOfMesh(reflector.query)) for (const one of this.#meshIndex.concerned(old, current)) enqueue(one)
        else for (const object of [old, current]) if (object) this.#concerned(reflector.query, object, enqueue)
      })
    }
  }

  #all(enqueue: Enqueue): void {
    for (const {metadata} of this.list(apiVersion, 'Rollout')) enqueue(`${metadata.namespace}/${metadata.name}`)
  }

  #concerned(query: WatchQuery, object: KubeObject, enqueue: Enqueue): void {
    const {namespace = '', name, labels: marks} = object.metadata
    const owner = marks?.[labels.rollout]
    if (owner !== undefined) enqueue(`${namespace}/${owner}`)
    for (const rollout of this.list(apiVersion, 'Rollout', namespace)) {
      if (this.#uses(rollout, query.kind, name)) enqueue(`${namespace}/${rollout.metadata.name}`)
    }
  }

  /** Whether a Rollout reads an object of its namespace. */
  #uses(rollout: KubeObject, kind: string, name: string): boolean {
    const base = baseNameOf(rollout.metadata.name, rollout.spec)
    switch (kind) {
      case 'Deployment':
      case 'DaemonSet':
        return [base, `${base}-a`, `${base}-b`].includes(name)
      case 'Service':
        return servicesOf(rollout, base).includes(name)
      case 'ConfigMap':
        return this.#readsConfig(rollout, name)
      case 'HorizontalPodAutoscaler':
      case 'AlertChannel':
      case 'Rollout':
        return true
      default:
        return false
    }
  }

  #readsConfig({metadata, spec}: KubeObject, name: string): boolean {
    const {targetRef, template} = spec ?? {}
    const target = targetRef && this.get({...targetRef, namespace: metadata.namespace ?? ''})
    const options = {settle: '0s', ignoreConfigMaps: [], trackSecrets: []}
    const references = trackedReferences(template ?? target?.spec?.template ?? {}, options)
    return references.some(reference => reference.name === name)
  }
}

/** Names of the Services that a Rollout reads, whatever else its spec holds. */
function servicesOf({spec}: KubeObject, base: string): (string | undefined)[] {
  const apex: string = spec?.service?.name ?? base
  const {a = `${base}-a`, b = `${base}-b`} = spec?.serviceRefs ?? {}
  return [apex, a, b, spec?.strategy && previewNameOf(spec, apex)]
}
