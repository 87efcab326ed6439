// The seams between Fairlead and the world. The shell holds one implementation of each; tests and the simulation
// put others in their place.
import type {HttpConfig} from '../crds/http-config.ts'
import type {KubeObject, ObjectRef} from '../crds/meta.ts'

/** Time. `now` is in milliseconds since the epoch. */
export interface Clock {
  now(): number
  /** Calls back once after a delay; the returned function cancels it. */
  after(delayMilliseconds: number, callback: () => void): () => void
}

/** Chance, for back-off jitter. In [0, 1). */
export interface Random {
  next(): number
}

/** What an API server answered instead of doing what it was asked. */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  /** HTTP status; 0 when no answer came at all. */
  readonly status: number
  /** `reason` of the metav1.Status, such as Conflict, NotFound, Invalid. */
  readonly reason: string
  /** `details.causes` of the metav1.Status, as `field: message`. */
  readonly causes: readonly string[]

  constructor(status: number, reason: string, message: string, causes: readonly string[] = []) {
    super(message)
    this.status = status
    this.reason = reason
    this.causes = causes
  }
}

export interface ApplyOptions {
  fieldManager: string
  /** Take fields over from other managers. */
  force: boolean
  dryRun?: boolean
}

export interface DeleteOptions {
  /** Only if the object still has this uid. */
  uid?: string
  propagation?: 'Background' | 'Foreground' | 'Orphan'
}

export interface ListQuery {
  apiVersion: string
  kind: string
  namespace?: string
  labelSelector?: string
}

/** One operation of a JSON patch. */
export interface JsonPatchOperation {
  op: 'add' | 'replace' | 'remove' | 'test'
  path: string
  value?: unknown
}

/** Reads and writes of Kubernetes objects, as raw JSON. Every method may throw {@link ClusterError}. */
export interface Cluster {
  /** The object, or undefined when there is none. */
  get(ref: ObjectRef): Promise<KubeObject | undefined>
  list(query: ListQuery): Promise<KubeObject[]>
  create(object: KubeObject): Promise<KubeObject>
  /** Server-side apply. */
  apply(manifest: KubeObject, options: ApplyOptions): Promise<KubeObject>
  /** PUT of the status subresource; `metadata.resourceVersion` makes it conditional. */
  updateStatus(object: KubeObject): Promise<KubeObject>
  /** JSON merge patch of the main resource; `metadata.resourceVersion` in the patch makes it conditional. */
  mergePatch(ref: ObjectRef, patch: object, options: {fieldManager: string}): Promise<KubeObject>
  /** JSON patch (RFC 6902) of the main resource. */
  jsonPatch(ref: ObjectRef, operations: JsonPatchOperation[], options: {fieldManager: string}): Promise<KubeObject>
  /** Sets `spec.replicas` through the scale subresource; the Scale, with the resourceVersion of what was scaled. */
  scale(ref: ObjectRef, replicas: number, options: {fieldManager: string}): Promise<KubeObject>
  /** False when there was nothing to delete. */
  delete(ref: ObjectRef, options: DeleteOptions): Promise<boolean>
}

/** One series of an instant vector. */
export interface MetricSample {
  labels: Record<string, string>
  value: number
}

/**
 * An answer of a metrics system. It never throws: a failure is an answer too. `serverTime` is the system's own clock when
 * it answered, milliseconds since the epoch, to the second; absent where it doesn't say.
 */
export type MetricAnswer = {kind: 'vector'; samples: MetricSample[]; serverTime?: number} | MetricFailure

/** Why there is no answer. */
export interface MetricFailure {
  kind: 'error'
  reason: MetricErrorReason
  message: string
}

/** One series of a range query. */
export interface MetricSeries {
  labels: Record<string, string>
  /** In order of time; `at` in milliseconds since the epoch. A time without a sample is absent. */
  points: {at: number; value: number}[]
}

/** An answer to a range query. It never throws either. `serverTime` is that of a `MetricAnswer`. */
export type MetricRangeAnswer = {kind: 'matrix'; series: MetricSeries[]; serverTime?: number} | MetricFailure

export type MetricErrorReason =
  | 'Unreachable'
  | 'Timeout'
  | 'Unauthorized'
  | 'BadQuery'
  | 'BadAnswer'
  | 'TooLarge'
  | 'ClockSkew'

export interface MetricRequest {
  query: string
  /** Evaluation time, milliseconds since the epoch. */
  at: number
  /** Base address of the metrics system; the controller's default when absent. */
  address?: string
  /** Largest answer that is read, in bytes; the provider's default when absent. */
  maximumBytes?: number
  /** How to connect, in place of the controller's own way; the same object for the same configuration. */
  httpConfig?: HttpConfig
}

export interface MetricRangeRequest {
  query: string
  /** First and last evaluation time, milliseconds since the epoch; both are multiples of the step. */
  from: number
  to: number
  stepMilliseconds: number
  /** As in {@link MetricRequest}, like the next. */
  address?: string
  maximumBytes?: number
}

/** A metrics system that answers instant queries, and the same query at many times at once. */
export interface Metrics {
  query(request: MetricRequest): Promise<MetricAnswer>
  queryRange(request: MetricRangeRequest): Promise<MetricRangeAnswer>
}

/** One alert, ready to be sent. */
export interface AlertMessage {
  /** The same for every attempt: receivers de-duplicate by it. */
  id: string
  event: string
  severity: 'info' | 'warn' | 'error'
  title: string
  text: string
  fields: Record<string, string>
  createdAt: string
}

/** Where an alert goes, secrets resolved. */
export interface AlertTarget {
  type: 'webhook' | 'slack'
  url: string
  channel?: string
}

/** Sends one alert; rejects when the receiver did not take it. The message of the error never holds the address. */
export interface Notifier {
  send(message: AlertMessage, target: AlertTarget): Promise<void>
}
