// Drives the core on the model cluster the way the shell does: gather, decide, persist the status, carry the intents
// out. A crash may fall between any two of these writes.
import {decide} from '../../controller/core/decide.ts'
import {outstanding} from '../../controller/core/diff.ts'
import {same} from '../../controller/core/equality.ts'
import type {Note} from '../../controller/core/intents.ts'
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
  if (options.conflict?.()) return []
  if (!same(decision.status, cluster.status)) {
    if (options.crash?.()) return []
    cluster.status = JSON.parse(JSON.stringify(decision.status))
    cluster.statusWrites++
  }
  for (const intent of decision.intents) {
    if (!outstanding(intent, cluster.subject(intent))) continue
    if (options.crash?.()) return []
    cluster.carryOut(intent)
  }
  return decision.notes
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
