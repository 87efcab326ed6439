// The moves between phases that more than one phase makes. A release that ends leaves one entry in the history,
// whatever the way, and a rollback is durable: its reason and outcome are in the status before anything is written.
import {timeText} from '../../crds/common.ts'
import type {
  CheckResult,
  HistoryEntry,
  Outcome as ReleaseOutcome,
  ReleaseStatus,
  SlotContent,
} from '../../crds/rollout-status.ts'
import {commitText, releaseFields, withAlert} from './alerts.ts'
import {fieldsOfCheck, fieldsOfChecks, requestFields} from './figures.ts'
import type {Note} from './intents.ts'
import {freshEvidence} from './judgement.ts'
import {otherSlot} from './observation.ts'
import {frozenTemplate, imageOf, type Source} from './revision.ts'
import type {Baking, Idle, Ledger, Model, Releasing, RollingBack} from './state.ts'
import {without} from './state.ts'
import {allTo} from './steps.ts'
import {want} from './traffic.ts'
import type {World} from './world.ts'

/** History entries and rejected revisions that are kept. */
const maximumHistory = 10
const maximumRejected = 10
const maximumMessage = 2048

/** What a slot holds when it is filled with the source's present revision. */
export function contentOf(world: World, source: Source, slot: 'a' | 'b', revision: string): SlotContent {
  const image = source.service?.name ?? imageOf(frozenTemplate(source))
  const content: SlotContent = {slot, revision, image, filledAt: timeText(world.now)}
  return source.commit ? {...content, commit: source.commit} : content
}

/** The record of the target's state that is being acted upon. */
export function sourceRecord(source: Source, revision: string): NonNullable<Ledger['source']> {
  const {uid, generation, configVersions, commit} = source
  return {uid, generation, configVersions, revision, ...(commit ? {commit: commit.hash} : {})}
}

/** Begins a release of the source's present revision in the slot that isn't serving. */
export function startRelease(world: World, model: Model & {state: Idle}, source: Source, revision: string): Model {
  const {state, ledger} = model
  const number = ledger.releases + 1
  const canary = contentOf(world, source, otherSlot(state.primary.slot), revision)
  const now = timeText(world.now)
  const release: ReleaseStatus = {id: `${number}-${revision}`, startedAt: now, phaseSince: now, weightsSeen: []}
  const next: Ledger = {
    ...without(ledger, 'candidate'),
    releases: number,
    source: sourceRecord(source, revision),
    checks: [],
  }
  const alerted = withAlert(world, next, release.id, {
    event: 'ReleaseStarted',
    severity: 'info',
    title: `${world.observation.meshContext.rollout.name}: release of ${canary.image} started`,
    text: `Commit ${commitText(canary.commit)}. It replaces ${state.primary.image} if the analysis passes.`,
    fields: releaseFields(world, state.primary, canary),
  })
  return {state: {phase: 'Preparing', primary: state.primary, canary, release}, ledger: alerted}
}

export interface RollbackReason {
  outcome: ReleaseOutcome
  reason: string
  message: string
  /** The check that decided, where one did. */
  result?: CheckResult
}

/** Sends a release back: the primary gets all traffic; after a promotion the previous version is primary again. */
export function rollBack(world: World, model: Model & {state: Releasing | Baking}, why: RollbackReason): Model {
  const {state} = model
  const {ledger, release: known} = freshEvidence(world, model.ledger, state.release)
  const [primary, canary] = state.phase === 'Baking' ? [state.previous, state.primary] : [state.primary, state.canary]
  const now = timeText(world.now)
  const {outcome, reason, message} = why
  const rollback = {outcome, reason, message: message.slice(0, maximumMessage), startedAt: now}
  // Nothing is counted on from here, so these may be ahead of the evidence.
  const requests = world.observation.analysis?.requests
  const release = {...without(known, 'paused'), phaseSince: now, rollback, ...(requests ? {requests} : {})}
  const next: RollingBack = {phase: 'RollingBack', primary, canary, release}
  let after: Ledger = ledger
  if (why.outcome === 'RolledBack' || why.outcome === 'Aborted') {
    const entry = {revision: canary.revision, reason: why.reason, at: now}
    after = {
      ...after,
      rejected: [entry, ...after.rejected.filter(one => one.revision !== canary.revision)].slice(0, maximumRejected),
    }
    after = withAlert(world, after, release.id, rollbackAlert(world, next, why.result))
  }
  return {state: next, ledger: after}
}

function rollbackAlert(world: World, state: RollingBack, result: CheckResult | undefined) {
  const {primary, canary, release} = state
  const {name} = world.observation.meshContext.rollout
  const {requests} = release
  const answered = requests
    ? `The canary had answered ${requests.total} requests and failed ${requests.failed} of them.`
    : 'How many requests the canary had answered is not known.'
  const nextStep = `All traffic returns to ${primary.image}. Revision ${canary.revision} is not tried again until it changes in Git or somebody sets the annotation fairlead.dev/retry: "${canary.revision}".`
  return {
    event: state.release.rollback.outcome,
    severity: 'error' as const,
    title: `${name}: ${canary.image} rolled back (${release.rollback.reason})`,
    text: `${release.rollback.message} ${answered} Commit ${commitText(canary.commit)}. ${nextStep}`,
    fields: {
      ...releaseFields(world, primary, canary),
      reason: release.rollback.reason,
      ...(result ? fieldsOfCheck(world, result) : fieldsOfChecks(world, undefined)),
      ...requestFields(requests),
      next: nextStep,
    },
  }
}

/** Ends a release: a history entry, and the phase in which the next one is awaited. */
export function endRelease(
  world: World,
  ledger: Ledger,
  released: SlotContent,
  release: ReleaseStatus,
  end: RollbackReason,
): Ledger {
  const entry: HistoryEntry = {
    id: release.id,
    revision: released.revision,
    image: released.image,
    ...(released.commit ? {commit: released.commit} : {}),
    outcome: end.outcome,
    reason: end.reason,
    message: end.message.slice(0, maximumMessage),
    startedAt: release.startedAt,
    endedAt: timeText(world.now),
    weights: release.weightsSeen,
    ...(release.requests ? {requests: release.requests} : {}),
  }
  const others = ledger.history.filter(one => one.id !== entry.id)
  return {...ledger, history: [entry, ...others].slice(0, maximumHistory)}
}

/** Moves all traffic to the primary's slot, as a wish. */
export function allToPrimary(world: World, ledger: Ledger, primary: SlotContent): Ledger {
  return want(ledger, allTo(primary.slot), world.now)
}

export function enter<P extends Releasing['phase']>(world: World, state: Releasing, phase: P): Releasing {
  return {...state, phase, release: {...without(state.release, 'paused'), phaseSince: timeText(world.now)}}
}

/** Sets or clears why a release doesn't go on; the time of the first pause stays. */
export function pausedFor(world: World, release: ReleaseStatus, reason: string | undefined): ReleaseStatus {
  if (release.paused?.reason === reason) return release
  const rest = without(release, 'paused')
  return reason === undefined ? rest : {...rest, paused: {reason, since: timeText(world.now)}}
}

export function note(type: Note['type'], reason: string, message: string): Note {
  return {type, reason, message}
}
