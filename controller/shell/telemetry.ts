import {Counter, collectDefaultMetrics, Gauge, Histogram, Registry} from 'prom-client'
import {type Phase, phase as phases} from '../../crds/rollout-status.ts'

/** Label combinations of one Rollout's counters that are kept; reasons come from a fixed set, far smaller. */
const maxSeriesPerRollout = 200
const reconcileBuckets = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30]
const phaseBuckets = [1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, 86400]

export interface TelemetryOptions {
  /** Metrics of the process itself: memory, CPU, event loop. */
  processMetrics: boolean
}

/** How an error is shown: the user's to solve, waiting, to be retried, or a defect. */
export type ErrorClass = 'terminal' | 'waiting' | 'transient' | 'internal'

/** What a slot holds: what its series are called by changes with every release, and this tells who is who. */
export interface SlotRole {
  slot: string
  role: 'primary' | 'canary' | 'previous'
  revision: string
  /** Name of its workload, and of its Service. */
  workload: string
}

interface Shown {
  namespace: string
  rollout: string
  phase?: Phase
  canaryWeight?: number
  slots: SlotRole[]
}

interface OutcomeLabels {
  outcome: string
  reason: string
}

/**
 * The controller's metrics. Series of a Rollout live as long as the Rollout: {@link Telemetry.forget} removes them.
 */
export class Telemetry {
  readonly #registry = new Registry()
  readonly #phase = this.#gauge('rollout_phase', 'Phase of a Rollout: 1 for the current one', [
    'namespace',
    'rollout',
    'phase',
  ])
  readonly #weight = this.#gauge('rollout_weight', 'Confirmed share of the canary, in percent', [
    'namespace',
    'rollout',
  ])
  readonly #slotInfo = this.#gauge('slot_info', 'What a slot holds now: always 1', [
    'namespace',
    'rollout',
    'slot',
    'role',
    'revision',
    'workload',
  ])
  readonly #releases = this.#counter('releases_total', 'Releases that ended', [
    'namespace',
    'rollout',
    'outcome',
    'reason',
  ])
  readonly #rollbacks = this.#counter('rollbacks_total', 'Releases that were rolled back', [
    'namespace',
    'rollout',
    'reason',
  ])
  readonly #phaseSeconds = this.#histogram(
    'phase_seconds',
    'Time that Rollouts spent in a phase',
    ['phase'],
    phaseBuckets,
  )
  readonly #reconcileSeconds = this.#histogram(
    'reconcile_seconds',
    'Duration of a pass',
    ['controller'],
    reconcileBuckets,
  )
  readonly #reconcileErrors = this.#counter('reconcile_errors_total', 'Passes that failed', ['controller', 'class'])
  readonly #queueDepth = this.#gauge('queue_depth', 'Keys that are ready and wait', ['queue'])
  readonly #queueWait = this.#histogram(
    'queue_wait_seconds',
    'Time that a ready key waited',
    ['queue'],
    reconcileBuckets,
  )
  readonly #leader = this.#gauge('leader', 'Whether this controller acts: 1, or 0 while another one leads', [])
  readonly #apiRequests = this.#counter('api_requests_total', 'Answers of the API server', ['verb', 'code'])
  /** What is known of each Rollout, shown or not. */
  readonly #rollouts = new Map<string, Shown>()
  /** Until told otherwise. */
  #leads = true
  /** Label sets of the counters of each Rollout, because prom-client removes only exact ones. */
  readonly #outcomes = new Map<string, Map<string, OutcomeLabels>>()

  constructor(options: TelemetryOptions) {
    if (options.processMetrics) collectDefaultMetrics({register: this.#registry})
  }

  /** Shows a Rollout's phase and the canary's share, 0 to 100. */
  setRollout(namespace: string, rollout: string, phase: Phase, canaryWeight: number): void {
    this.#reshow(namespace, rollout, {phase, canaryWeight})
  }

  /** Shows what the slots of a Rollout hold, and nothing of one that holds nothing. */
  setSlots(namespace: string, rollout: string, slots: SlotRole[]): void {
    this.#reshow(namespace, rollout, {slots})
  }

  #reshow(namespace: string, rollout: string, news: Partial<Shown>): void {
    const key = rolloutKey(namespace, rollout)
    const old = this.#rollouts.get(key)
    if (old) this.#hide(old)
    const shown = {slots: [], ...old, ...news, namespace, rollout}
    this.#rollouts.set(key, shown)
    if (this.#leads) this.#show(shown)
  }

  #show({namespace, rollout, phase, canaryWeight, slots}: Shown): void {
    if (phase !== undefined) {
      for (const candidate of phases.options) {
        this.#phase.set({namespace, rollout, phase: candidate}, candidate === phase ? 1 : 0)
      }
    }
    if (canaryWeight !== undefined) this.#weight.set({namespace, rollout}, canaryWeight)
    for (const one of slots) this.#slotInfo.set({namespace, rollout, ...one}, 1)
  }

  #hide({namespace, rollout, slots}: Shown): void {
    for (const candidate of phases.options) this.#phase.remove({namespace, rollout, phase: candidate})
    this.#weight.remove({namespace, rollout})
    for (const one of slots) this.#slotInfo.remove({namespace, rollout, ...one})
  }

  /** Counts a release that ended; `RolledBack` counts as a rollback too. */
  countRelease(namespace: string, rollout: string, outcome: string, reason: string): void {
    const key = rolloutKey(namespace, rollout)
    const outcomes = this.#outcomes.get(key) ?? new Map<string, OutcomeLabels>()
    this.#outcomes.set(key, outcomes)
    const labels = outcomes.size < maxSeriesPerRollout ? {outcome, reason} : {outcome, reason: 'Other'}
    outcomes.set(JSON.stringify([labels.outcome, labels.reason]), labels)
    this.#releases.inc({namespace, rollout, ...labels})
    if (outcome === 'RolledBack') this.#rollbacks.inc({namespace, rollout, reason: labels.reason})
  }

  /** Notes how long a Rollout was in a phase that it just left. */
  observePhase(phase: Phase, seconds: number): void {
    this.#phaseSeconds.observe({phase}, Math.max(0, seconds))
  }

  observeReconcile(controller: string, seconds: number): void {
    this.#reconcileSeconds.observe({controller}, Math.max(0, seconds))
  }

  countReconcileError(controller: string, errorClass: ErrorClass): void {
    this.#reconcileErrors.inc({controller, class: errorClass})
  }

  /** Hooks for one work queue; its passes are observed as those of the controller of the same name. */
  queueHooks(queue: string) {
    return {
      depth: (keys: number) => this.#queueDepth.set({queue}, keys),
      waited: (seconds: number) => this.#queueWait.observe({queue}, Math.max(0, seconds)),
      worked: (seconds: number) => this.observeReconcile(queue, seconds),
    }
  }

  /**
   * Whoever doesn't lead shows nothing of Rollouts: another controller does, and of two that say different things of one
   * Rollout nobody could tell who is right.
   */
  setLeader(leads: boolean): void {
    this.#leader.set(leads ? 1 : 0)
    this.#leads = leads
    for (const shown of this.#rollouts.values()) {
      this.#hide(shown)
      if (leads) this.#show(shown)
    }
  }

  /** Counts one answer of the API server; `code` is the HTTP status, or `error` when none came. */
  countApiRequest(verb: string, code: string): void {
    this.#apiRequests.inc({verb, code})
  }

  /** Removes every series of a Rollout that no longer exists. */
  forget(namespace: string, rollout: string): void {
    const key = rolloutKey(namespace, rollout)
    const shown = this.#rollouts.get(key)
    if (shown) this.#hide(shown)
    this.#rollouts.delete(key)
    for (const {outcome, reason} of this.#outcomes.get(key)?.values() ?? []) {
      this.#releases.remove({namespace, rollout, outcome, reason})
      this.#rollbacks.remove({namespace, rollout, reason})
    }
    this.#outcomes.delete(key)
  }

  /** The metrics in Prometheus' text format. */
  async render(): Promise<{contentType: string; body: string}> {
    return {contentType: this.#registry.contentType, body: await this.#registry.metrics()}
  }

  #gauge<L extends string>(name: string, help: string, labelNames: L[]): Gauge<L> {
    return new Gauge({name: `fairlead_${name}`, help, labelNames, registers: [this.#registry]})
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[]): Counter<L> {
    return new Counter({name: `fairlead_${name}`, help, labelNames, registers: [this.#registry]})
  }

  #histogram<L extends string>(name: string, help: string, labelNames: L[], buckets: number[]): Histogram<L> {
    return new Histogram({name: `fairlead_${name}`, help, labelNames, buckets, registers: [this.#registry]})
  }
}

function rolloutKey(namespace: string, rollout: string): string {
  return `${namespace}/${rollout}`
}
