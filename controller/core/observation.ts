// Everything that a decision may depend on. `gather` in the shell fills it; nothing else reaches the core.
import type {Evidence, Tally} from '../../crds/evidence.ts'
import type {KubeObject} from '../../crds/meta.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {CheckResult, RolloutStatus} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {ThresholdMemory} from '../../crds/threshold.ts'
import type {Mesh, MeshContext} from '../../mesh/types.ts'

/** Something that a user has to change: becomes a condition and an event. */
export interface Problem {
  /** CamelCase and stable. */
  reason: string
  /** The object at fault, as `Kind namespace/name`. */
  object: string
  field: string
  problem: string
  fix: string
}

/** A ConfigMap or opted-in Secret that the target's template reads. */
export interface ConfigInput {
  kind: 'ConfigMap' | 'Secret'
  name: string
  /** The template says that it may be missing. */
  optional: boolean
  /** The live object with its contents; undefined when there is none. */
  object?: KubeObject
}

export interface SlotObservation {
  workload?: KubeObject
  service?: KubeObject
  /** Pods that carry the slot's labels, terminating ones included. */
  pods: KubeObject[]
  /** Endpoints of the slot's Service that are ready. */
  readyEndpoints: number
}

/** What the metrics said at one grid time. */
export interface AnalysisObservation {
  /** Grid time, milliseconds. */
  at: number
  /** Identity of the judged step that it belongs to. */
  step: string
  results: CheckResult[]
  /** Answers are still out: a check that failed counts, and nothing advances or is remembered before they are there. */
  awaiting?: true
  /** What the judge has to remember; absent where the counters could not be read, and while answers are out. */
  evidence?: Evidence
  /** What threshold checks with a failure limit have to remember. */
  thresholds: ThresholdMemory[]
  /** Requests that the canary answered and failed since the release began. */
  requests: Tally
  /** The canary's requests per second of late; absent when unknown. */
  canaryRequestsPerSecond?: number
  /** When there will be more to say, milliseconds. */
  again: number
}

export interface Observation {
  /** Milliseconds since the epoch. */
  now: number
  rollout: KubeObject
  spec: RolloutSpec
  status: RolloutStatus
  mesh: Mesh
  meshContext: MeshContext
  namespaceTerminating: boolean
  target?: KubeObject
  /** Config that the target's template reads now. */
  inputs: ConfigInput[]
  /** PersistentVolumeClaims that the target's template names. */
  claims: KubeObject[]
  slots: Record<SlotName, SlotObservation>
  /** The workload of a baseline. */
  baseline?: KubeObject
  apex?: KubeObject
  /** Preview Services of this Rollout, and any Service that has the name of its own. */
  previews: KubeObject[]
  /** ControllerRevisions of this Rollout. */
  snapshots: KubeObject[]
  /** Config copies of this Rollout; metadata is enough. */
  copies: KubeObject[]
  /** Objects of the mesh's kinds, all namespaces. */
  meshObjects: KubeObject[]
  /** Kinds of the mesh that the API server doesn't serve. */
  missingKinds: string[]
  /** The controller may not look at the namespace's Secrets, so that none can be tracked. */
  secretsHidden: boolean
  /** HorizontalPodAutoscalers of the namespace. */
  autoscalers: KubeObject[]
  /** Other Rollouts of the namespace. */
  siblings: KubeObject[]
  /** Names of AlertChannels that exist in the namespace. */
  alertChannels: string[]
  /**
   * Of a Rollout that is deleted: what tells the target's own pods from those of the slots; absent where nothing does.
   */
  returning?: Record<string, string>
  /** Present when an evaluation was due. */
  analysis?: AnalysisObservation
  /** Of a release that is prepared: the time between two evaluations that fits the scrapes, milliseconds. */
  interval?: number
  /** What the API server refused in the last pass, by object. */
  refusedWrites: {object: string; message: string}[]
  /** Alerts that were delivered since the last pass. */
  delivered: {id: string; channel: string}[]
}

export function otherSlot(slot: SlotName): SlotName {
  return slot === 'a' ? 'b' : 'a'
}
