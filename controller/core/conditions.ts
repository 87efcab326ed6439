// Conditions that `kubectl wait` and kstatus understand. A condition's time moves only when its status flips.
import {isAwaiting} from '../../analysis/checks.ts'
import {timeOf, timeText} from '../../crds/common.ts'
import type {Condition} from '../../crds/meta.ts'
import type {RolloutStatus} from '../../crds/rollout-status.ts'
import {otherSlot, type Problem} from './observation.ts'
import {outlookOf} from './outlook.ts'
import {imageIDsOf} from './readiness.ts'
import {sourceText} from './revision.ts'
import type {Model} from './state.ts'
import {missingConfirmation} from './traffic.ts'
import {isParked, podCounts} from './workloads.ts'
import type {Outcome, World} from './world.ts'

interface Wanted {
  type: string
  status: boolean
  reason: string
  message: string
}

const maximumMessage = 1024

export function problemText(problem: Problem): string {
  return `${problem.object}, ${problem.field}: ${problem.problem}. Fix: ${problem.fix}.`
}

/** All conditions of a Rollout; those that aren't among the standard ones are there only while they are true. */
export function conditionsOf(world: World, outcome: Outcome, old: RolloutStatus): Condition[] {
  const wanted = [...standard(world, outcome), ...extra(world, outcome)]
  const generation = world.observation.rollout.metadata.generation
  return wanted.map(({type, status, reason, message}) => {
    const text = status ? 'True' : 'False'
    const known = old.conditions?.find(one => one.type === type)
    return {
      type,
      status: text,
      reason,
      message: message.slice(0, maximumMessage),
      lastTransitionTime: known?.status === text ? known.lastTransitionTime : timeText(world.now),
      ...(generation === undefined ? {} : {observedGeneration: generation}),
    }
  })
}

function standard(world: World, outcome: Outcome): Wanted[] {
  const {state, ledger} = outcome.model
  const [problem] = world.problems
  const stalled = problem ? problem.reason : state.phase === 'Failed' ? 'RolledBack' : undefined
  const moving = state.phase !== 'Healthy' && state.phase !== 'Failed' && stalled === undefined
  const ready = state.phase === 'Healthy' && stalled === undefined
  const rejected = ledger.rejected.find(one => one.revision === ledger.source?.revision)
  const why = problem
    ? problemText(problem)
    : rejected
      ? `Revision ${rejected.revision} was rolled back: ${rejected.reason}.`
      : outcome.message
  const promoted =
    state.primary !== undefined && state.phase !== 'Initializing' && ledger.source?.revision === state.primary.revision
  const held = 'release' in state ? state.release.paused : undefined
  return [
    {type: 'Ready', status: ready, reason: stalled ?? state.phase, message: why},
    {type: 'Reconciling', status: moving, reason: state.phase, message: outcome.message},
    {type: 'Stalled', status: stalled !== undefined, reason: stalled ?? 'Progressing', message: stalled ? why : ''},
    promotedCondition(outcome.model, promoted && !outcome.waiting),
    {
      type: 'Paused',
      status: held !== undefined,
      reason: held?.reason ?? 'NotPaused',
      message: held ? outcome.message : '',
    },
  ]
}

/** Whether what the source holds now has all of the traffic. */
function promotedCondition(model: Model, promoted: boolean): Wanted {
  const {state, ledger} = model
  const commit = ledger.source?.commit ? ` of commit ${ledger.source.commit.slice(0, 12)}` : ''
  const revision = ledger.source?.revision ?? 'none'
  const message = `Revision ${revision}${commit} ${promoted ? 'has' : 'does not have'} all of the traffic.`
  return {type: 'Promoted', status: promoted, reason: state.phase, message}
}

function extra(world: World, outcome: Outcome): Wanted[] {
  const {observation, spec} = world
  const found: Wanted[] = []
  const add = (type: string, reason: string, message: string) => found.push({type, status: true, reason, message})
  if (spec.suspend) add('Suspended', 'SpecSuspend', 'spec.suspend is set: no release starts or is promoted.')
  if (outcome.waiting) add('Waiting', outcome.waiting.reason, outcome.waiting.message)
  const [refused] = observation.refusedWrites
  if (refused) add('WriteRefused', 'APIServerRefused', `${refused.object}: ${refused.message}`)
  const late =
    outcome.model.state.phase === 'Terminating' ? undefined : missingConfirmation(world, outcome.model.ledger)
  if (late) add('RouteUnconfirmed', late.reason, problemText(late))
  // Between two steps the weight waits for pods and mesh, and not for a verdict.
  const open =
    'release' in outcome.model.state && !outcome.model.state.release.held
      ? observation.analysis?.results.find(
          ({verdict, dryRun, reason}) =>
            !dryRun && !isAwaiting(reason) && (verdict === 'noData' || verdict === 'error'),
        )
      : undefined
  if (open) add('NoVerdict', open.reason, `Check ${open.name}: ${open.message}. The release keeps its weight.`)
  const short = trafficTooLow(world, outcome.model)
  if (short) add('TrafficTooLow', 'DeadlineOutOfReach', short)
  const drift = imageDrift(observation, outcome.model)
  if (drift) add('ImageDrift', 'TagMoved', drift)
  const {target} = observation
  if (target && !isParked(target) && wasParked(world)) {
    const {wanted} = podCounts(target)
    const fix = target.kind === 'DaemonSet' ? 'leave spec.template.spec.nodeName to Fairlead' : 'scale the Rollout'
    add(
      'TargetNotParked',
      'PodsInTarget',
      `Somebody gave ${sourceText(observation)} ${wanted} pods. They get no traffic, and it is parked again. Fix: ${fix}.`,
    )
  }
  const missing = spec.alerts
    .map(alert => alert.channelRef.name)
    .filter(name => !observation.alertChannels.includes(name))
  if (missing.length > 0) {
    add(
      'AlertChannelMissing',
      'NotFound',
      `spec.alerts names AlertChannel ${missing.join(', ')}, which does not exist in this namespace. Fix: create it, or remove it there.`,
    )
  }
  return found
}

/** The target was given time to be parked since its adoption: pods in it are somebody else's doing. */
function wasParked(world: World): boolean {
  const ready = world.observation.status.conditions?.find(one => one.type === 'Ready' && one.status === 'True')
  return ready !== undefined && world.now >= timeOf(ready.lastTransitionTime) + world.durations.drain
}

/** Pods of the primary that run another image than the one that was analysed: the tag was moved. */
function imageDrift(observation: World['observation'], model: Model): string | undefined {
  const {primary} = model.state
  if (!primary?.imageIDs) return undefined
  const now = imageIDsOf(observation, primary)
  const foreign = now.find(id => !primary.imageIDs?.includes(id))
  return (
    foreign &&
    `Pods of slot ${primary.slot} run ${foreign}, which no analysis saw. Slot ${otherSlot(primary.slot)} is not affected. Fix: name images by digest.`
  )
}

/** Said as soon as the traffic shows that a step can't have a verdict in time. Without figures: they change all the time. */
function trafficTooLow({observation, steps, now}: World, {state}: Model): string | undefined {
  const outlook = outlookOf(observation.analysis)
  if (!outlook || state.phase !== 'Progressing' || !state.release.stepSince) return undefined
  const step = steps[state.release.stepIndex ?? 0]
  // A step that waits to be told has no deadline.
  if (!step || step.untilTold) return undefined
  if (now + outlook.milliseconds <= timeOf(state.release.stepSince) + step.deadlineMilliseconds) return undefined
  return `Check ${outlook.check} needs more canary requests than come within ${step.deadlineField}, even if none of them is bad. Fix: give the step more weight or time, or set spec.analysis.preset lowTraffic or spec.analysis.cleanRequests.`
}
