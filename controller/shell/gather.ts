// Does every read of a pass, and decides nothing. Everything but the contents of ConfigMaps, volume claims and metrics
// comes from the caches.

import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {refOf} from '../../crds/meta.ts'
import {apiVersion, labels} from '../../crds/names.ts'
import {type RolloutSpec, rolloutSpec} from '../../crds/rollout.ts'
import {meshOf} from '../../mesh/registry.ts'
import type {Mesh, MeshContext} from '../../mesh/types.ts'
import {hashOf} from '../core/apex.ts'
import {type ConfigReference, trackedReferences} from '../core/config-references.ts'
import type {ConfigInput, Observation, Problem, SlotObservation} from '../core/observation.ts'
import {previewNameOf} from '../core/preview.ts'
import {sourceTemplate} from '../core/revision.ts'
import {slotKindOf} from '../core/workloads.ts'
import type {Clock, Cluster} from '../ports.ts'
import type {Evaluator} from './evaluate.ts'
import {unreadable} from './hindrances.ts'
import {type Lookup, missingKinds, type Remembered} from './lookup.ts'
import {apexNameOf, contextOf, slotNamesOf} from './mesh-context.ts'

export interface GatherOptions {
  cluster: Cluster
  lookup: Lookup
  evaluator: Evaluator
  clock: Clock
  contents: ConfigContents
}

/** What can't be observed is a problem of the spec. */
export type Gathered = {kind: 'observed'; observation: Observation} | {kind: 'invalid'; problem: Problem}

/** Everything that a decision about one Rollout may depend on. */
export async function gather(rollout: KubeObject, remembered: Remembered, options: GatherOptions): Promise<Gathered> {
  const {lookup, evaluator, clock} = options
  const parsed = rolloutSpec.safeParse(rollout.spec)
  if (!parsed.success) return {kind: 'invalid', problem: invalidSpec(rollout, parsed.error.issues)}
  const spec = parsed.data
  const mesh = meshOf(spec.traffic)
  if (!mesh)
    return {kind: 'invalid', problem: invalidSpec(rollout, [{path: ['traffic'], message: 'set exactly one mesh'}])}
  const namespaceTerminating = await isNamespaceTerminating(rollout, options.cluster)
  const problem = namespaceTerminating ? undefined : unreadable(rollout, mesh, lookup)
  if (problem) return {kind: 'invalid', problem}
  const namespace = rollout.metadata.namespace ?? ''
  const target = spec.targetRef && lookup.get({...spec.targetRef, namespace})
  const template = sourceTemplate(target ? {spec, target} : {spec})
  const apex = lookup.get({apiVersion: 'v1', kind: 'Service', namespace, name: apexNameOf(rollout, spec)})
  const visible = lookup.namespace === undefined ? {} : {visibleNamespace: lookup.namespace}
  const slot = lookup.get({apiVersion: 'v1', kind: 'Service', namespace, name: slotNamesOf(rollout, spec).a})
  const meshContext = {...contextOf(rollout, spec, apex, slot), ...visible}
  const baseline = lookup.get({apiVersion: 'apps/v1', kind: 'Deployment', namespace, name: meshContext.baseline ?? ''})
  const own = (version: string, kind: string) => ownObjects(lookup, rollout, version, kind)
  const now = clock.now()
  const judged = {rollout, spec, mesh, meshContext, now}
  const [inputs, claims, analysis, interval, returning] = await Promise.all([
    readInputs(namespace, template, spec, options),
    readClaims(namespace, template, options),
    evaluator.evaluate(judged),
    evaluator.interval(judged),
    returningOf(rollout, target, options),
  ])
  const observation: Observation = {
    now,
    rollout,
    spec,
    status: rollout.status ?? {},
    mesh,
    meshContext,
    namespaceTerminating,
    inputs,
    claims,
    slots: {a: observeSlot(lookup, meshContext, spec, 'a'), b: observeSlot(lookup, meshContext, spec, 'b')},
    previews: previewsOf(lookup, rollout, previewNameOf(spec, meshContext.apex.name)),
    snapshots: own('apps/v1', 'ControllerRevision'),
    copies: [...own('v1', 'ConfigMap'), ...own('v1', 'Secret')],
    ...meshState(mesh, meshContext, lookup),
    secretsHidden: areSecretsHidden(lookup, namespace),
    autoscalers: lookup.list('autoscaling/v2', 'HorizontalPodAutoscaler', namespace),
    siblings: lookup.list(apiVersion, 'Rollout', namespace).filter(one => one.metadata.uid !== rollout.metadata.uid),
    alertChannels: lookup.list(apiVersion, 'AlertChannel', namespace).map(one => one.metadata.name),
    ...remembered,
    ...(target ? {target} : {}),
    ...(baseline ? {baseline} : {}),
    ...(apex ? {apex} : {}),
    ...(analysis ? {analysis} : {}),
    ...(interval === undefined ? {} : {interval}),
    ...(returning ? {returning} : {}),
  }
  return {kind: 'observed', observation}
}

function invalidSpec(rollout: KubeObject, issues: readonly {path: readonly PropertyKey[]; message: string}[]): Problem {
  const [issue] = issues
  const field = ['spec', ...(issue?.path ?? []).map(String)].join('.')
  return {
    reason: 'InvalidSpec',
    object: `Rollout ${rollout.metadata.namespace}/${rollout.metadata.name}`,
    field,
    problem: issue?.message ?? 'invalid',
    fix: `correct ${field}; a release under way keeps its weights until then`,
  }
}

function ownObjects(lookup: Lookup, rollout: KubeObject, version: string, kind: string): KubeObject[] {
  return lookup
    .list(version, kind, rollout.metadata.namespace)
    .filter(object => object.metadata.labels?.[labels.rollout] === rollout.metadata.name)
    .map(object => ({...object, apiVersion: version, kind}))
}

/** Services that bear the label of a preview, and the one under its name. */
function previewsOf(lookup: Lookup, rollout: KubeObject, name: string | undefined): KubeObject[] {
  const own = ownObjects(lookup, rollout, 'v1', 'Service').filter(
    object => object.metadata.labels?.[labels.preview] !== undefined && object.metadata.name !== name,
  )
  const {namespace = ''} = rollout.metadata
  const named = name === undefined ? undefined : lookup.get({apiVersion: 'v1', kind: 'Service', namespace, name})
  return named ? [...own, named] : own
}

function meshState(
  mesh: Mesh,
  context: MeshContext,
  lookup: Lookup,
): {meshObjects: KubeObject[]; missingKinds: string[]} {
  return {
    meshObjects: lookup.meshObjects(mesh, context),
    missingKinds: missingKinds(mesh, lookup),
  }
}

/** Secrets are opted in: without the right a Rollout that tracks none goes on. */
function areSecretsHidden(lookup: Lookup, namespace: string): boolean {
  return lookup.missing('v1', 'Secret', namespace) || lookup.forbidden('v1', 'Secret', namespace) !== undefined
}

function observeSlot(lookup: Lookup, context: MeshContext, spec: RolloutSpec, slot: 'a' | 'b'): SlotObservation {
  const {namespace, name: rollout} = context.rollout
  const name = context.slots[slot]
  const kind = slotKindOf(spec)
  const workload = kind && lookup.get({apiVersion: 'apps/v1', kind, namespace, name})
  const service = lookup.get({apiVersion: 'v1', kind: 'Service', namespace, name})
  const pods = lookup
    .list('v1', 'Pod', namespace)
    .filter(pod => pod.metadata.labels?.[labels.rollout] === rollout && pod.metadata.labels[labels.slot] === slot)
    // Those of a baseline stand in a slot and are none of its own.
    .filter(pod => pod.metadata.labels?.[labels.baseline] === undefined)
  const slices = lookup
    .list('discovery.k8s.io/v1', 'EndpointSlice', namespace)
    .filter(slice => slice.metadata.labels?.['kubernetes.io/service-name'] === name)
  return {
    pods,
    readyEndpoints: countReady(slices, context.baseline ?? ''),
    ...(workload ? {workload} : {}),
    ...(service ? {service} : {}),
  }
}

/** Ready endpoints without those of a baseline, each pod once whatever the number of its addresses. */
function countReady(slices: KubeObject[], baseline: string): number {
  const ready = new Set<string>()
  for (const slice of slices) {
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready === false) continue
      const pod: string = endpoint.targetRef?.name ?? endpoint.addresses?.[0] ?? ''
      if (baseline === '' || !pod.startsWith(`${baseline}-`)) ready.add(pod)
    }
  }
  return ready.size
}

/** Pods of a target are of interest, and are read, while it is given back. */
async function returningOf(
  {status}: KubeObject,
  target: KubeObject | undefined,
  {cluster}: GatherOptions,
): Promise<Record<string, string> | undefined> {
  if (status?.phase !== 'Terminating' || !target) return undefined
  const {namespace = ''} = target.metadata
  const selected = Object.entries(target.spec?.selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`)
  const labelSelector = [...selected, `!${labels.rollout}`].join(',')
  return hashOf(target, await cluster.list({apiVersion: 'v1', kind: 'Pod', namespace, labelSelector}))
}

async function isNamespaceTerminating(rollout: KubeObject, cluster: Cluster): Promise<boolean> {
  if (!rollout.metadata.deletionTimestamp) return false
  const namespace = await cluster.get({apiVersion: 'v1', kind: 'Namespace', name: rollout.metadata.namespace ?? ''})
  return namespace === undefined || namespace.metadata.deletionTimestamp !== undefined
}

async function readInputs(
  namespace: string,
  template: JsonObject,
  spec: RolloutSpec,
  options: GatherOptions,
): Promise<ConfigInput[]> {
  const references = trackedReferences(template, spec.revision)
  return Promise.all(references.map(reference => readInput(namespace, reference, options)))
}

async function readInput(namespace: string, reference: ConfigReference, options: GatherOptions): Promise<ConfigInput> {
  const object = await options.contents.read(namespace, reference)
  return object ? {...reference, object} : reference
}

async function readClaims(namespace: string, template: JsonObject, options: GatherOptions): Promise<KubeObject[]> {
  const {volumes = []} = (template['spec'] ?? {}) as {volumes?: {persistentVolumeClaim?: {claimName: string}}[]}
  const names = volumes.flatMap(volume => volume.persistentVolumeClaim?.claimName ?? [])
  const found = await Promise.all(
    names.map(name => options.cluster.get({apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name})),
  )
  return found.filter(claim => claim !== undefined)
}

/** Contents of ConfigMaps and Secrets. ConfigMaps are watched by metadata alone and read when their version moves. */
export class ConfigContents {
  readonly #cluster: Cluster
  readonly #lookup: Lookup
  readonly #known = new Map<string, KubeObject>()

  constructor(cluster: Cluster, lookup: Lookup) {
    this.#cluster = cluster
    this.#lookup = lookup
  }

  async read(namespace: string, reference: ConfigReference): Promise<KubeObject | undefined> {
    const ref = refOf('v1', reference.kind, namespace, reference.name)
    // Secrets are not watched at all: only those that the user opted in are read, by name.
    if (reference.kind === 'Secret')
      return areSecretsHidden(this.#lookup, namespace) ? undefined : this.#cluster.get(ref)
    const key = `${namespace}/${reference.name}`
    const seen = this.#lookup.get(ref)
    if (!seen) {
      this.#known.delete(key)
      return undefined
    }
    const known = this.#known.get(key)
    if (known && known.metadata.resourceVersion === seen.metadata.resourceVersion) return known
    const object = await this.#cluster.get(ref)
    if (object) this.#known.set(key, object)
    return object
  }
}
