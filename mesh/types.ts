// What every mesh offers to the core. All of it is pure: objects in, manifests and readings out.
import type {KubeObject} from '../crds/meta.ts'
import type {RolloutSpec} from '../crds/rollout.ts'
import type {Split} from '../crds/rollout-status.ts'
import type {Safeguards} from '../crds/safeguards.ts'
import type {SlotName} from '../crds/slots.ts'
import type {Fault, Match} from '../crds/strategy.ts'

/** One port of the apex Service, as the API server returned it. */
export interface ServicePort {
  name?: string
  port: number
  targetPort?: number | string
  protocol?: string
  appProtocol?: string
}

/** What a renderer knows of the Rollout that it serves. */
export interface MeshContext {
  rollout: {name: string; namespace: string; uid: string}
  /** Apex Service that callers name, with its selector and its labels where it exists. */
  apex: {
    name: string
    ports: ServicePort[]
    selector?: Readonly<Record<string, string>>
    labels?: Readonly<Record<string, string>>
  }
  /** Names of the slots: of the workload and of its Service alike. */
  slots: {a: string; b: string}
  /** Name of the workload of a fresh copy of the primary's version, whose pods stand in the primary's slot, if any. */
  baseline?: string
  /** The only namespace whose objects the controller reads; all when absent. */
  visibleNamespace?: string
  traffic: RolloutSpec['traffic']
  /** What `apart` of a split means; a split without it needs none. */
  routing?: Routing
}

/** Which requests are meant where a split sends some of them to one slot whatever its share. */
export interface Routing {
  /** Those that meet any of these. */
  matches: Match[]
  /** Field of the Rollout that they come from. */
  field?: string
  /** Those of users who bear a cookie; one value for the slot apart, one for the other. */
  sticky?: {cookie: string; maxAgeSeconds: number}
}

/** What holds for a version that isn't proven yet. */
export interface Protection {
  /** Its slot. */
  slot: SlotName
  safeguards: Safeguards
  /** What its calls to other Services meet now. */
  faults: Fault[]
}

/** Abilities of a mesh, beside moving weights between two slots for a canary or at once. */
export const features = [
  'matchHeaders',
  'matchCookies',
  'matchQueryParams',
  'matchSourceLabels',
  'matchSourceNamespace',
  'matchSourceRegion',
  'mirror',
  'mirrorPercent',
  'sticky',
  'borrowedRoute',
  'grpc',
  'tcp',
  'gateways',
  'insideCallers',
  'baseline',
  'comparison',
  'previewMetrics',
  'circuitBreaker',
  'rateLimit',
  'faults',
  'plaintextGate',
] as const
export type Feature = (typeof features)[number]

/** `how`: by which of the mesh's means. `why`: what the mesh lacks, for a user who asked for it. */
export type Support = {works: true; how: string} | {works: false; why: string}

/** What can't be done of a mesh's features, and why; `fix` where there is more to do than to leave it out. */
export type Limits = Partial<Record<Feature, {works: false; why: string; fix?: string}>>

/** A kind of objects that a mesh reads. */
export interface MeshKind {
  apiVersion: string
  kind: string
  plural: string
  /** Its objects lie in no namespace: a controller that looks at one namespace alone doesn't read them. */
  scope?: 'Cluster'
  /** The only object of the kind that matters. */
  name?: string
  /** Its metadata is enough. */
  metadataOnly?: true
}

/** A reason why traffic must not be moved, in terms that a user can act on. */
export interface MeshProblem {
  /** CamelCase, stable: it becomes a condition's reason. */
  reason: string
  /** Object that is in the way, as `Kind namespace/name`. */
  object: string
  field: string
  problem: string
  fix: string
}

/** Objects of the mesh's own kinds, of every namespace that the controller may read. */
export type MeshObjects = readonly KubeObject[]

/** Whether a route counts as in force, and if not, what it waits for. */
export interface Confirmation {
  confirmed: boolean
  /** Time (milliseconds) at which to look again even if no object changes. */
  again?: number
  /** What the mesh has not said yet, or has refused; absent where only time has to pass. */
  waitingFor?: MeshProblem
}

export interface Mesh {
  readonly name: string
  /**
   * The route is the apex Service's selector: it selects the slots that have a share, so a share is that of the pods, and
   * `read` tells which slots have one and no more.
   */
  readonly bySelector?: true
  /** Kinds that `objects` must hold, for the shell to watch. */
  readonly kinds: readonly MeshKind[]
  /**
   * Names under which an object may matter to a Rollout that neither made it nor has one under its name; undefined when
   * to every Rollout.
   */
  claims(object: KubeObject): string[] | undefined
  /**
   * The names among them that matter to this Rollout.
   * @param own objects that bear some of these names: a route that is borrowed has hosts and parents that count too
   */
  interests(context: MeshContext, own?: MeshObjects): string[]
  /** What must exist for the given slots before a route may name them; applied before the route, removed after it. */
  renderDestinations(
    context: MeshContext,
    slots: readonly SlotName[],
    objects: MeshObjects,
    protection?: Protection,
  ): KubeObject[]
  /**
   * The routes; weights are percent per slot and sum to 100. A slot with 0 gets no request by them: it is left out, or
   * stands there with weight 0 where the mesh defines that as none; what is said of it in `apart` comes beside. One of the
   * user's that is borrowed is the live object with other rules; none where it is missing.
   */
  renderRoutes(context: MeshContext, split: Split, objects: MeshObjects): KubeObject[]
  /** Objects of the user's that were borrowed, as they are given back: with the apex Service where the slots stood. */
  renderReturned(context: MeshContext, objects: MeshObjects): KubeObject[]
  /**
   * Numbers of the TCP ports that the routes ask of a slot's Service: those of the apex Service that the mesh routes, or
   * those that a borrowed route names. Without any there is no route to write.
   */
  routedPorts(context: MeshContext, objects: MeshObjects): number[]
  /** What the routes in the cluster carry; undefined when there is none or it can't be read as two slots. */
  read(context: MeshContext, objects: MeshObjects): Split | undefined
  /** What this mesh can do. */
  readonly features: Readonly<Record<Feature, Support>>
  /** What it can't do of that with the Rollout's own settings and ports, and with what the cluster has. */
  limits?(context: MeshContext, objects: MeshObjects): Limits
  /**
   * Whether the route among `objects`, first seen to carry the wanted weights at `inForceSince`, counts as in force at
   * `now` (milliseconds).
   */
  confirmed(context: MeshContext, objects: MeshObjects, inForceSince: number, now: number): Confirmation
  /** How long the proxies may take to learn or forget a route beyond what the mesh says of it, milliseconds. */
  settlingMilliseconds(context: MeshContext): number
  /** What stands in the way of moving traffic; empty when nothing does. */
  problems(context: MeshContext, objects: MeshObjects): MeshProblem[]
  /** Raw counters of requests that this mesh's proxies keep, the callers' side first. */
  readonly counters: readonly CounterFamily[]
}

/**
 * One family of raw counters: the series in which one side counts requests, or their durations. The shell reads a family
 * for many Rollouts with one query, `{__name__=~"<metrics>",<matchers>,<label>=~"<values>",...}` over the values of
 * `keyLabels` of all of their slots, and tells the series apart by the very same labels.
 */
export interface CounterFamily {
  side: 'caller' | 'destination'
  kind: 'requests' | 'durations'
  /**
   * Names of the metrics, those of the `_bucket` series for durations; where there are several, regular expressions. One at
   * least is a plain name, and every target that exposes any of the others exposes one of those.
   */
  metrics: readonly string[]
  /** Matchers that hold for every Rollout, such as `reporter="source"`; without braces. */
  matchers: readonly string[]
  /** Labels that together tell which slot a series counts for. */
  keyLabels: readonly string[]
  /** Values of `keyLabels`, in that order, that stand for one slot; several where the mesh has several names for it. */
  keysOf(context: MeshContext, slot: 'a' | 'b'): string[][]
  /** Label that names the pods' workload where it is none of `keyLabels`: it tells a baseline from its slot. */
  workloadLabel?: string
  /** Values of `keyLabels` of a baseline, where one of them names the workload. */
  baselineKey?(context: MeshContext): string[] | undefined
  /** What became of the requests that a series counts. `hungUp`: the client left before there was an answer. */
  outcomeOf(labels: Readonly<Record<string, string>>): 'answered' | 'failed' | 'hungUp'
  /** Whether requests of a series came in plaintext; undefined where its labels don't say. Absent where none of them does. */
  isPlaintext?(labels: Readonly<Record<string, string>>): boolean | undefined
  /** Milliseconds that 1 of a bucket's bound `le` stands for: 1 or 1000. */
  millisecondsPerBound: number
}

/**
 * Values of the cookie under a split with a session: who was given the slot apart keeps it while the release lasts; who was
 * given the other one keeps it until the shares change, for else every user would be with the new version before long.
 */
export function sessionsOf(split: Split): {apart: string; other: string} | undefined {
  const {apart} = split
  if (apart?.session === undefined) return undefined
  return {apart: apart.session, other: `${apart.session}.not.${split[apart.slot]}`}
}
