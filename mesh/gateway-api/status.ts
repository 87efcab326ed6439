// What the gateway's controller says of the route: https://gateway-api.sigs.k8s.io/reference/spec/#routestatus
import {durationMilliseconds} from '../../crds/common.ts'
import type {Condition, KubeObject} from '../../crds/meta.ts'
import {listOf} from '../shared/json.ts'
import type {Confirmation, MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {
  describeParent,
  fullParent,
  gatewayOf,
  liveRoute,
  type Parent,
  type ParentRef,
  parentsOf,
  routeKind,
  routeName,
  sameParent,
} from './context.ts'

/** Conditions that every parent must show as true. */
const demanded = ['Accepted', 'ResolvedRefs'] as const

/** Longest text of a controller that a message repeats. */
const maximumForeignText = 200

/** Why a parent does not serve the route. */
interface Finding extends MeshProblem {
  /** The controller looked at the route as it is now and said no; else it has not answered yet. */
  refused: boolean
}

/**
 * Whether the route counts as in force: every parent accepts it as it is now, and the settling time is over, for the
 * status says that the controller has taken the route over, not that every proxy has it.
 */
export function confirmed(context: MeshContext, objects: MeshObjects, inForceSince: number, now: number): Confirmation {
  const settled = inForceSince + settlingMilliseconds(context)
  const again = now < settled ? {again: settled} : {}
  const [waitingFor] = statusFindings(context, objects)
  if (waitingFor) {
    const {refused: _refused, ...problem} = waitingFor
    return {confirmed: false, waitingFor: problem, ...again}
  }
  return now < settled ? {confirmed: false, again: settled} : {confirmed: true}
}

export function settlingMilliseconds(context: MeshContext): number {
  return durationMilliseconds(gatewayOf(context).settlingTime)
}

/**
 * What each of the Rollout's parents lacks; refusals first. A condition without observedGeneration says nothing of the
 * route as it is now, unless no condition has one: then the controller never writes it, as Linkerd's doesn't.
 */
export function statusFindings(context: MeshContext, objects: MeshObjects): Finding[] {
  const route = liveRoute(context, objects)
  if (!route)
    return [
      finding(context, false, 'RouteMissing', 'metadata.name', 'it is not there yet', 'wait: it is being written'),
    ]
  const entries = listOf(route.status?.parents).map(entry => ({
    parent: fullParent((entry.parentRef ?? {}) as ParentRef, route.metadata.namespace ?? ''),
    conditions: listOf(entry.conditions) as unknown as Partial<Condition>[],
  }))
  const strict = entries.some(entry => entry.conditions.some(one => one.observedGeneration !== undefined))
  const found = parentsOf(context, objects).flatMap(parent => {
    const answers = entries
      .filter(entry => sameParent(entry.parent, parent))
      .map(entry => answerOf(context, route, parent, entry.conditions, strict))
    if (answers.length === 0) return [unanswered(context, parent)]
    // Another controller may have left an old answer behind: one that is good and none that refuses is enough.
    const open = answers.filter(answer => answer !== undefined)
    const refusal = open.find(answer => answer.refused)
    if (refusal) return [refusal]
    return open.length < answers.length ? [] : open.slice(0, 1)
  })
  return found.toSorted((left, right) => Number(right.refused) - Number(left.refused))
}

/** What one controller's answer for one parent lacks; undefined when nothing. */
function answerOf(
  context: MeshContext,
  route: KubeObject,
  parent: Parent,
  conditions: readonly Partial<Condition>[],
  strict: boolean,
): Finding | undefined {
  const generation = route.metadata.generation ?? 0
  const name = describeParent(parent)
  const wait = "wait for the gateway's controller; if it takes long, look at its log"
  for (const type of demanded) {
    const condition = conditions.find(one => one.type === type)
    const field = `status.parents[${name}].conditions[${type}]`
    if (!condition) return finding(context, false, 'StatusIncomplete', field, 'there is no such condition yet', wait)
    if (strict && (condition.observedGeneration ?? -1) < generation) {
      const seen = condition.observedGeneration ?? 'none'
      const problem = `it is about generation ${seen} of the route, which has ${generation}`
      return finding(context, false, 'StatusBehind', field, problem, wait)
    }
    if (condition.status === 'True') continue
    const {reason = 'Unknown', message = ''} = condition
    const problem = `it is ${condition.status ?? 'Unknown'}: ${reason}${message ? `, ${message.slice(0, maximumForeignText)}` : ''}`
    const refusal = type === 'Accepted' ? 'RouteNotAccepted' : 'RefsNotResolved'
    return finding(context, condition.status === 'False', refusal, field, problem, fixFor(reason, context))
  }
  return undefined
}

function fixFor(reason: string, context: MeshContext): string {
  switch (reason) {
    case 'NoMatchingParent':
      return 'name a listener that the parent has, by sectionName or port, in spec.traffic.gatewayAPI.parentRefs'
    case 'NotAllowedByListeners':
      return `let the listener's allowedRoutes admit ${routeKind(context)}s of namespace ${context.rollout.namespace}`
    case 'NoMatchingListenerHostname':
      return "let spec.traffic.gatewayAPI.hosts and the listener's hostname overlap"
    case 'UnsupportedValue':
      return 'see which feature of the route its implementation lacks (docs/meshes.md), and leave that out of the Rollout'
    case 'BackendNotFound':
      return "check that the slots' Services exist and have the routed port"
    default:
      return 'correct the parent, or spec.traffic.gatewayAPI of the Rollout, as the message says'
  }
}

function unanswered(context: MeshContext, parent: Parent): Finding {
  const name = describeParent(parent)
  const fix = 'check that the parent exists, and that the controller of its GatewayClass runs'
  return finding(context, false, 'NoAnswer', `status.parents[${name}]`, `no controller has answered for ${name}`, fix)
}

function finding(
  context: MeshContext,
  refused: boolean,
  reason: string,
  field: string,
  problem: string,
  fix: string,
): Finding {
  return {
    refused,
    reason,
    object: `${routeKind(context)} ${context.rollout.namespace}/${routeName(context)}`,
    field,
    problem,
    fix,
  }
}
