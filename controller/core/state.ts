// The state machine's memory: each phase carries exactly its own data, and everything that outlives a phase is in the
// ledger. Status is the only place where they are kept, so reading and writing them must lose nothing.
import type {
  CheckResult,
  HistoryEntry,
  PendingAlert,
  Phase,
  ReleaseStatus,
  RolloutStatus,
  SlotContent,
} from '../../crds/rollout-status.ts'

export interface Idle {
  phase: 'Healthy' | 'Waiting' | 'Failed'
  primary: SlotContent
}

export interface Releasing {
  phase: 'Preparing' | 'Progressing' | 'WaitingPromotion' | 'Promoting'
  primary: SlotContent
  canary: SlotContent
  release: ReleaseStatus
}

export interface Baking {
  phase: 'Baking'
  primary: SlotContent
  previous: SlotContent
  release: ReleaseStatus
}

export interface RollingBack {
  phase: 'RollingBack'
  primary: SlotContent
  canary: SlotContent
  release: ReleaseStatus & {rollback: NonNullable<ReleaseStatus['rollback']>}
}

export interface Initializing {
  phase: 'Initializing'
  primary?: SlotContent
}

export interface Terminating {
  phase: 'Terminating'
  primary?: SlotContent
  terminating: NonNullable<RolloutStatus['terminating']>
}

export type State = Idle | Releasing | Baking | RollingBack | Initializing | Terminating

/** What outlives a phase. */
export interface Ledger {
  traffic?: RolloutStatus['traffic']
  apex?: RolloutStatus['apex']
  readySince?: RolloutStatus['readySince']
  capacity?: number
  source?: RolloutStatus['source']
  candidate?: RolloutStatus['candidate']
  releases: number
  checks: CheckResult[]
  rejected: NonNullable<RolloutStatus['rejected']>
  commands: Record<string, string>
  history: HistoryEntry[]
  alerts: PendingAlert[]
}

export interface Model {
  state: State
  ledger: Ledger
}

/** The model that a status holds; undefined when the status is empty or doesn't hang together (law 9: rebuild it). */
export function modelOf(status: RolloutStatus): Model | undefined {
  const state = stateOf(status)
  if (state === undefined) return undefined
  const ledger: Ledger = {
    releases: status.releases ?? 0,
    checks: status.checks ?? [],
    rejected: status.rejected ?? [],
    commands: status.commands ?? {},
    history: status.history ?? [],
    alerts: status.alerts ?? [],
  }
  if (status.traffic) ledger.traffic = status.traffic
  if (status.apex) ledger.apex = status.apex
  if (status.readySince) ledger.readySince = status.readySince
  if (status.capacity !== undefined) ledger.capacity = status.capacity
  if (status.source) ledger.source = status.source
  if (status.candidate) ledger.candidate = status.candidate
  return {state, ledger}
}

function stateOf(status: RolloutStatus): State | undefined {
  const {phase, primary, canary, previous, release, terminating} = status
  switch (phase) {
    case undefined:
      return undefined
    case 'Initializing':
      return primary ? {phase, primary} : {phase}
    case 'Healthy':
    case 'Waiting':
    case 'Failed':
      return primary && {phase, primary}
    case 'Preparing':
    case 'Progressing':
    case 'WaitingPromotion':
    case 'Promoting':
      return primary && canary && release && {phase, primary, canary, release}
    case 'Baking':
      return primary && previous && release && {phase, primary, previous, release}
    case 'RollingBack': {
      const rollback = release?.rollback
      return primary && canary && release && rollback && {phase, primary, canary, release: {...release, rollback}}
    }
    case 'Terminating':
      return terminating && (primary ? {phase, primary, terminating} : {phase, terminating})
    default:
      return phase satisfies never
  }
}

/** The part of the status that a model determines. */
export function statusOf(model: Model): RolloutStatus {
  const {state, ledger} = model
  const status: RolloutStatus = {phase: state.phase satisfies Phase}
  if (state.primary) status.primary = state.primary
  if ('canary' in state) status.canary = state.canary
  if ('previous' in state) status.previous = state.previous
  if ('release' in state) status.release = state.release
  if ('terminating' in state) status.terminating = state.terminating
  if (ledger.traffic) status.traffic = ledger.traffic
  if (ledger.apex) status.apex = ledger.apex
  if (ledger.readySince) status.readySince = ledger.readySince
  if (ledger.capacity !== undefined) status.capacity = ledger.capacity
  if (ledger.source) status.source = ledger.source
  if (ledger.candidate) status.candidate = ledger.candidate
  if (ledger.releases > 0) status.releases = ledger.releases
  if (ledger.checks.length > 0) status.checks = ledger.checks
  if (ledger.rejected.length > 0) status.rejected = ledger.rejected
  if (Object.keys(ledger.commands).length > 0) status.commands = ledger.commands
  if (ledger.history.length > 0) status.history = ledger.history
  if (ledger.alerts.length > 0) status.alerts = ledger.alerts
  return status
}

/** The slot that isn't serving and what it holds, where a phase has one. */
export function challengerOf(state: State): SlotContent | undefined {
  if ('canary' in state) return state.canary
  return 'previous' in state ? state.previous : undefined
}

/** A copy of a record without one key: exact optional properties can't be set to undefined. */
export function without<T extends object, K extends keyof T>(record: T, key: K): Omit<T, K> {
  const {[key]: _removed, ...rest} = record
  return rest
}
