// A cluster of plain data for the core: it carries intents out, and it plays the workload and endpoint controllers on a
// virtual clock. The proxy follows the route and the apex Service with a delay of its own, and counts what it drops.

import {gridOf, latestGridTime, nextReadingAt} from '../../analysis/grid.ts'
import {hashOf} from '../../controller/core/apex.ts'
import {stampedBy} from '../../controller/core/diff.ts'
import type {Intent} from '../../controller/core/intents.ts'
import {judgedStep} from '../../controller/core/judgement.ts'
import {type AnalysisObservation, type Observation} from '../../controller/core/observation.ts'
import {modelOf} from '../../controller/core/state.ts'
import {durationsOf} from '../../controller/core/world.ts'
import {contextOf} from '../../controller/shell/mesh-context.ts'
import {timeText} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {finalizer, labels, parkedNodeName} from '../../crds/names.ts'
import {rolloutSpec} from '../../crds/rollout.ts'
import type {CheckResult, RolloutStatus} from '../../crds/rollout-status.ts'
import {none} from '../../mesh/none/index.ts'
import {meshModels} from './mesh-models.ts'
import type {MeshModel, MeshReading} from './mesh-reading.ts'
import {applied, isBuiltIn} from './model-apply.ts'
import {type ModelPod, ModelWorkloads, versions} from './model-workloads.ts'

const namespace = 'shop'
const target = 'checkout'

export interface ModelSettings {
  startMilliseconds: number
  terminationMilliseconds: number
  propagationMilliseconds: number
  settlingMilliseconds: number
  spec?: object
  /** Kind of the target; Deployment when absent. */
  targetKind?: 'DaemonSet'
  /** The model's own mesh when absent. */
  mesh?: keyof typeof meshModels
}

/** What the analysis says of an image at a time. */
export type Oracle = (image: string, now: number) => 'pass' | 'fail' | 'noData' | Says

/** More than a verdict: parts of the result, and of what the judge remembers. */
export interface Says extends Partial<Omit<AnalysisObservation, 'results'>> {
  result: Partial<CheckResult> & Pick<CheckResult, 'verdict'>
}

/** A pod template of the target's. */
export function templateOf(image: string, nodeName?: string) {
  const containers = [{name: 'app', image, envFrom: [{configMapRef: {name: 'settings'}}]}]
  return {metadata: {labels: {app: target}}, spec: {...(nodeName ? {nodeName} : {}), containers}}
}

export class ModelCluster {
  now = 1_700_000_000_000
  readonly objects = new Map<string, KubeObject>()
  pods: ModelPod[] = []
  status: RolloutStatus = {}
  rollout: KubeObject
  namespaceTerminating = false
  /** The mesh's controller is down: no route is answered for, and the proxy keeps the weights that it has. */
  meshSilent = false
  /** Requests that found no ready pod, since the start. */
  dropped = 0
  served: Record<string, number> = {}
  writes = 0
  statusWrites = 0
  gone = false
  /** Writes that the API server denies, and those that it denied in the last pass. */
  refuses: (intent: Intent) => boolean = () => false
  refusedWrites: Observation['refusedWrites'] = []
  private version = 1
  private readonly routes: {at: number; weights?: {a: number; b: number}; selector: Record<string, string>}[] = []
  private readonly settings: ModelSettings
  private readonly oracle: Oracle
  private readonly workloads: ModelWorkloads
  private readonly meshModel: MeshModel
  private lastReading: {key: string; reading: MeshReading} | undefined

  constructor(settings: ModelSettings, oracle: Oracle) {
    this.settings = settings
    this.oracle = oracle
    this.workloads = new ModelWorkloads(settings)
    this.meshModel = meshModels[settings.mesh ?? 'model']
    const spec = {
      targetRef: {apiVersion: 'apps/v1', kind: settings.targetKind ?? 'Deployment', name: target},
      traffic: this.meshModel.traffic(settings.settlingMilliseconds),
      strategy: {canary: {steps: [{weight: 10}, {weight: 50}]}},
      analysis: {
        interval: '5s',
        window: '5s',
        checks: [{name: 'success', threshold: {metric: 'requestSuccessRate', min: 99}}],
      },
      bake: {duration: '20s'},
      revision: {settle: '2s'},
      drainTime: '3s',
      ...settings.spec,
    }
    this.rollout = {
      apiVersion: 'fairlead.dev/v1alpha1',
      kind: 'Rollout',
      metadata: {
        name: target,
        namespace,
        uid: 'rollout-uid',
        generation: 1,
        annotations: {},
        creationTimestamp: timeText(this.now),
      },
      spec,
    }
    this.put({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {name: target, namespace},
      spec: {
        type: 'ClusterIP',
        clusterIP: '10.0.0.1',
        selector: {app: target},
        ports: [{name: 'http', port: 80, targetPort: 8080, protocol: 'TCP'}],
      },
    })
    this.put({apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'settings', namespace}, data: {colour: 'blue'}})
    for (const object of this.meshModel.objects) this.put(object)
    for (const object of this.rollout.spec.serviceRefs ? versions(namespace, this.rollout.spec.serviceRefs) : [])
      this.put(object)
    if (!this.rollout.spec.serviceRefs) this.deploy('app:1', 3)
    this.run()
    for (const pod of this.pods) pod.readyAt = this.now
    this.run()
  }

  /** What a merge does: another image in the target. */
  deploy(image: string, replicas?: number): void {
    const {metadata, spec} = this.rollout
    if (spec.template) {
      const generation = (metadata.generation ?? 0) + 1
      this.rollout = {
        ...this.rollout,
        metadata: {...metadata, generation},
        spec: {...spec, template: templateOf(image)},
      }
      return
    }
    const kind = this.settings.targetKind ?? 'Deployment'
    const old = this.find(kind, target)
    // Another manager's field stays where a merge doesn't name it.
    const {nodeName} = old?.spec.template.spec ?? {}
    this.put({
      apiVersion: 'apps/v1',
      kind,
      metadata: {name: target, namespace},
      spec: {
        ...(kind === 'DaemonSet' ? {} : {replicas: replicas ?? old?.spec.replicas ?? 1}),
        selector: {matchLabels: {app: target}},
        template: templateOf(image, nodeName),
      },
      status: old?.status ?? {},
    })
  }

  configure(data: Record<string, string>): void {
    this.put({apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'settings', namespace}, data})
  }

  annotate(key: string, value: string): void {
    this.rollout = {
      ...this.rollout,
      metadata: {...this.rollout.metadata, annotations: {...this.rollout.metadata.annotations, [key]: value}},
    }
  }

  find(kind: string, name: string): KubeObject | undefined {
    return this.objects.get(`${kind}/${name}`)
  }

  put(object: KubeObject): void {
    const key = `${object.kind}/${object.metadata.name}`
    const old = this.objects.get(key)
    const moved = JSON.stringify(old?.spec) !== JSON.stringify(object.spec)
    this.version++
    const metadata = {
      ...object.metadata,
      uid: old?.metadata.uid ?? `uid-${this.version}`,
      resourceVersion: String(this.version),
      generation: (old?.metadata.generation ?? 0) + (moved ? 1 : 0),
    }
    this.objects.set(key, {...object, metadata})
  }

  /** Passes time: workload controllers, pods, endpoints, and a burst of requests through the proxy. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds
    while (this.now < end) {
      this.now = Math.min(end, this.now + 250)
      this.run()
      this.request()
    }
  }

  private run(): void {
    this.workloads.run(this)
    const last = this.routes.at(-1)
    const weights = this.meshSilent ? last?.weights : this.reading().route?.shares
    const selector = this.find('Service', target)?.spec.selector ?? {}
    if (!last || JSON.stringify([last.weights, last.selector]) !== JSON.stringify([weights, selector])) {
      this.routes.push({at: this.now, selector, ...(weights ? {weights} : {})})
    }
  }

  /** Differs whenever a watch would have told of something. */
  watched(): string {
    const objects = [...this.objects.entries()].map(([key, {metadata}]) => `${key}@${metadata.resourceVersion}`)
    const pods = this.pods.map(({object: {metadata}, goneAt, readyAt}) => [metadata.name, goneAt, readyAt <= this.now])
    return JSON.stringify([objects, pods, this.status, this.rollout.metadata])
  }

  /** What proxies that are up to date take from the mesh's objects. */
  reading(): MeshReading {
    const objects = [...this.objects.values()].filter(({apiVersion}) => !isBuiltIn(apiVersion))
    const key = objects.map(({kind, metadata}) => `${kind}/${metadata.name}@${metadata.resourceVersion}`).join()
    if (this.lastReading?.key !== key) this.lastReading = {key, reading: this.meshModel.read(objects)}
    return this.lastReading.reading
  }

  /** Name of a slot's Service, and of its workload where that is Fairlead's. */
  private slotName(slot: 'a' | 'b'): string {
    return this.rollout.spec.serviceRefs?.[slot] ?? `${target}-${slot}`
  }

  readyWith(selector: Record<string, string>): ModelPod[] {
    return this.pods.filter(
      pod =>
        pod.goneAt === undefined &&
        pod.readyAt <= this.now &&
        Object.entries(selector).every(([key, value]) => pod.object.metadata.labels?.[key] === value),
    )
  }

  /** One hundred requests by the route that the proxy knows. */
  private request(): void {
    const known =
      this.routes.filter(route => route.at + this.settings.propagationMilliseconds <= this.now).at(-1) ?? this.routes[0]
    if (!known) return
    const shares = known.weights
      ? (['a', 'b'] as const).map(slot => ({
          share: known.weights?.[slot] ?? 0,
          selector: this.find('Service', this.slotName(slot))?.spec.selector ?? {},
        }))
      : [{share: 100, selector: known.selector}]
    for (const {share, selector} of shares) {
      if (share === 0) continue
      const pods = this.readyWith(selector)
      if (pods.length === 0) this.dropped += share
      for (const {object} of pods) this.served[object.image] = (this.served[object.image] ?? 0) + share / pods.length
    }
  }

  /** The object that an intent is about. */
  subject(intent: Intent): KubeObject | undefined {
    if (intent.kind === 'finalizer') return this.rollout
    const {kind, name} =
      intent.kind === 'apply' ? {kind: intent.manifest.kind, name: intent.manifest.metadata.name} : intent.ref
    return this.find(kind, name)
  }

  carryOut(intent: Intent): void {
    this.writes++
    switch (intent.kind) {
      case 'apply': {
        const manifest = stampedBy(intent)
        const {kind, metadata} = manifest
        this.put(applied(this.find(kind, metadata.name), manifest))
        return
      }
      case 'scale': {
        const old = this.find(intent.ref.kind, intent.ref.name)
        if (old) this.put({...old, spec: {...old.spec, replicas: intent.replicas}})
        return
      }
      case 'park': {
        const old = this.find(intent.ref.kind, intent.ref.name)
        if (!old) return
        const {template} = old.spec
        this.put({
          ...old,
          spec: {...old.spec, template: {...template, spec: {...template.spec, nodeName: parkedNodeName}}},
        })
        return
      }
      case 'template': {
        const old = this.find(intent.ref.kind, intent.ref.name)
        if (old) this.put({...old, spec: {...old.spec, template: intent.template}})
        return
      }
      case 'delete': {
        this.objects.delete(`${intent.ref.kind}/${intent.ref.name}`)
        this.workloads.removed(this, intent.ref)
        return
      }
      case 'finalizer':
        this.rollout = {
          ...this.rollout,
          metadata: {...this.rollout.metadata, finalizers: intent.present ? [finalizer] : []},
        }
        if (!intent.present && this.rollout.metadata.deletionTimestamp) this.gone = true
        return
      default:
        intent satisfies never
    }
  }

  observe(): Observation {
    const spec = rolloutSpec.parse(this.rollout.spec)
    const {mesh: meshOf, answered} = this.meshModel
    const mesh = spec.traffic.none ? none : meshOf(this.settings.settlingMilliseconds, this.meshSilent)
    const apex = this.find('Service', target)
    const mine = [...this.objects.values()].filter(object => object.metadata.labels?.[labels.rollout] !== undefined)
    const {targetKind = 'Deployment'} = this.settings
    const live = spec.targetRef && this.find(targetKind, target)
    const baseline = this.find('Deployment', `${target}-baseline`)
    const settings = this.find('ConfigMap', 'settings')
    const slot = (name: 'a' | 'b') => {
      const own = this.slotName(name)
      const workload = spec.serviceRefs ? undefined : this.find(targetKind, own)
      const service = this.find('Service', own)
      const isOwn = (pod: ModelPod) => pod.workload === own
      return {
        pods: this.pods.filter(pod => isOwn(pod) && !spec.serviceRefs).map(pod => pod.object),
        readyEndpoints: service ? this.readyWith(service.spec.selector).filter(isOwn).length : 0,
        ...(workload ? {workload} : {}),
        ...(service ? {service} : {}),
      }
    }
    const ready = this.pods
      .filter(pod => pod.goneAt === undefined && pod.readyAt <= this.now)
      .map(({object}) => ({...object, status: {conditions: [{type: 'Ready', status: 'True'}]}}))
    const returning = this.status.phase === 'Terminating' && live ? hashOf(live, ready) : undefined
    const base: Observation = {
      now: this.now,
      rollout: this.rollout,
      spec,
      status: this.status,
      mesh,
      meshContext: contextOf(this.rollout, spec, apex, this.find('Service', this.slotName('a'))),
      namespaceTerminating: this.namespaceTerminating,
      ...(live ? {target: live} : {}),
      ...(baseline ? {baseline} : {}),
      ...(apex ? {apex} : {}),
      ...(returning ? {returning} : {}),
      inputs:
        live || spec.template
          ? [{kind: 'ConfigMap', name: 'settings', optional: false, ...(settings ? {object: settings} : {})}]
          : [],
      claims: [],
      slots: {a: slot('a'), b: slot('b')},
      previews: mine.filter(object => object.metadata.labels?.[labels.preview] !== undefined),
      snapshots: mine.filter(object => object.kind === 'ControllerRevision'),
      copies: mine.filter(object => object.kind === 'ConfigMap'),
      meshObjects: [...this.objects.values()].filter(one => !isBuiltIn(one.apiVersion)).map(answered),
      missingKinds: [],
      secretsHidden: false,
      autoscalers: [],
      siblings: [],
      alertChannels: [],
      refusedWrites: this.refusedWrites,
      delivered: [],
    }
    const analysis = this.analyse(base)
    return analysis ? {...base, analysis} : base
  }

  private analyse(base: Observation): Observation['analysis'] {
    const model = modelOf(this.status)
    if (!model) return undefined
    const step = judgedStep(model, base.spec)
    if (!step) return undefined
    const {state} = model
    const {interval, window} = durationsOf(base.spec, 'release' in state ? state.release.interval : undefined)
    const grid = gridOf(interval)
    const at = latestGridTime(grid, this.now)
    if (at < step.since + window) return undefined
    const judged = 'canary' in state ? state.canary : state.primary
    const said = this.oracle(judged?.image ?? '', at)
    const {result: known, ...more}: Says = typeof said === 'string' ? {result: {verdict: said}} : said
    const {verdict} = known
    const result: CheckResult = {
      name: 'success',
      reason: verdict,
      message: verdict,
      evaluatedAt: timeText(at),
      ...known,
    }
    const requests = {total: 100, failed: verdict === 'fail' ? 50 : 0}
    const unread = verdict === 'noData' || verdict === 'error' || more.awaiting
    const evidence = unread ? {} : {evidence: {through: timeText(at), step: step.id, checks: []}}
    const again = nextReadingAt(grid, at)
    return {at, step: step.id, results: [result], thresholds: [], requests, again, ...evidence, ...more}
  }
}
