// Drives the core on the model cluster the way the shell does: gather, decide, persist the status, carry the intents
// out. A crash may fall between any two of these writes.
import {type Decision, decide} from '../../controller/core/decide.ts'
import {outstanding} from '../../controller/core/diff.ts'
import {same} from '../../controller/core/equality.ts'
import type {Intent, Note} from '../../controller/core/intents.ts'
import type {ModelCluster} from './model-cluster.ts'

export interface DriverOptions {
  /** Asked before every write; true ends the pass there, as a SIGKILL would. */
  crash?: () => boolean
  /** Asked before the status write; true drops the pass, as a conflict does. */
  conflict?: () => boolean
}

/** One pass of the controller. */
export function pass(cluster: ModelCluster, options: DriverOptions = {}): Note[] {
  if (cluster.gone) return []
  const decision = decide(cluster.observe())
  return carriedOut(cluster, decision, options) ? decision.notes : []
}

/** Whether the decision was persisted and carried out to its end. */
export function carriedOut(cluster: ModelCluster, decision: Decision, {conflict, crash}: DriverOptions = {}): boolean {
  if (conflict?.()) return false
  if (!same(decision.status, cluster.status)) {
    if (crash?.()) return false
    cluster.status = JSON.parse(JSON.stringify(decision.status))
    cluster.statusWrites++
  }
  const refused: Intent[] = []
  for (const intent of decision.intents) {
    if (!outstanding(intent, cluster.subject(intent))) continue
    if (crash?.()) return false
    if (!cluster.refuses(intent)) cluster.carryOut(intent)
    else if (refused.push(intent) > 0 && !intent.dispensable) break
  }
  cluster.refusedWrites = refused.slice(0, 1).map(intent => ({object: subjectText(intent), message: 'denied'}))
  return true
}

function subjectText(intent: Intent): string {
  if (intent.kind === 'finalizer') return 'Rollout shop/checkout'
  const {kind, name} =
    intent.kind === 'apply' ? {kind: intent.manifest.kind, name: intent.manifest.metadata.name} : intent.ref
  return `${kind} shop/${name}`
}

/** A controller as the shell runs it: a pass comes when an object has changed, or at the time that the last one asked for. */
export class Controller {
  readonly #cluster: ModelCluster
  #seen = ''
  #again = 0

  constructor(cluster: ModelCluster) {
    this.#cluster = cluster
  }

  /** A pass, if there is a reason for one. */
  wake(options: DriverOptions = {}): void {
    const cluster = this.#cluster
    if (cluster.gone) return
    const seen = cluster.watched()
    if (seen === this.#seen && cluster.now < this.#again) return
    const decision = decide(cluster.observe())
    this.#seen = seen
    this.#again = decision.again ?? Number.POSITIVE_INFINITY
    // Whoever dies comes back and knows nothing; what was refused is tried again.
    if (!carriedOut(cluster, decision, options) || cluster.refusedWrites.length > 0) this.#again = 0
  }
}

/** Runs until a condition holds or the time is up; returns whether it held. */
export function runUntil(
  cluster: ModelCluster,
  holds: () => boolean,
  limitMilliseconds: number,
  options: DriverOptions = {},
  watch: (notes: Note[]) => void = () => {},
): boolean {
  const end = cluster.now + limitMilliseconds
  while (cluster.now < end) {
    watch(pass(cluster, options))
    if (holds()) return true
    cluster.advance(500)
  }
  return false
}
