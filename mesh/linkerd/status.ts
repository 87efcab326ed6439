// What Linkerd's policy controller says of the route. Its proxies learn of a route only once it is accepted.
import {durationMilliseconds} from '../../crds/common.ts'
import type {Condition, KubeObject} from '../../crds/meta.ts'
import {listOf} from '../shared/json.ts'
import type {Confirmation, MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {isApex, linkerdOf, liveRoute, parentServices, routeName} from './context.ts'

const controllerName = 'linkerd.io/policy-controller'

/** Conditions that must be true. */
const demanded = ['Accepted', 'ResolvedRefs'] as const

/** Longest text of the controller that a message repeats. */
const maximumForeignText = 200

/** Why Linkerd does not obey the route. */
interface Finding extends MeshProblem {
  /** The controller said no; else it has not answered yet. */
  refused: boolean
}

/**
 * Whether the route counts as in force: Linkerd accepts it, and the settling time is over. The conditions don't say which
 * generation they are about (linkerd/linkerd2, issue 14964), so that time is all there is to tell a new answer from an old
 * one.
 */
export function confirmed(context: MeshContext, objects: MeshObjects, inForceSince: number, now: number): Confirmation {
  const settled = inForceSince + settlingMilliseconds(context)
  const again = now < settled ? {again: settled} : {}
  const found = statusFinding(context, objects)
  if (found) {
    const {refused: _refused, ...waitingFor} = found
    return {confirmed: false, waitingFor, ...again}
  }
  return now < settled ? {confirmed: false, again: settled} : {confirmed: true}
}

export function settlingMilliseconds(context: MeshContext): number {
  return durationMilliseconds(linkerdOf(context).settlingTime)
}

/** What Linkerd's answer lacks; undefined when nothing. */
export function statusFinding(context: MeshContext, objects: MeshObjects): Finding | undefined {
  const route = liveRoute(context, objects)
  const find = (refused: boolean, reason: string, field: string, problem: string, fix: string): Finding => {
    const {kind = 'HTTPRoute'} = route ?? {}
    return {refused, reason, object: `${kind} ${context.rollout.namespace}/${routeName(context)}`, field, problem, fix}
  }
  if (!route) return find(false, 'RouteMissing', 'metadata.name', 'it is not there yet', 'wait: it is being written')
  const wait = "wait for Linkerd's policy controller; if it takes long, look at its log"
  const answer = answerOf(context, route)
  if (!answer) {
    const fix = 'check that Linkerd runs, and that it watches this kind of route'
    return find(false, 'NoAnswer', 'status.parents', "Linkerd's policy controller has not answered", fix)
  }
  for (const type of demanded) {
    const condition = answer.find(one => one.type === type)
    const field = `status.parents[${controllerName}].conditions[${type}]`
    if (!condition) return find(false, 'StatusIncomplete', field, 'there is no such condition yet', wait)
    const {status, reason = 'Unknown', message = '', observedGeneration: seen} = condition
    const generation = route.metadata.generation ?? 0
    // Should a later Linkerd say what it has looked at, an older answer is none.
    if (seen !== undefined && seen < generation) {
      return find(false, 'StatusBehind', field, `it is about generation ${seen} of the route, not ${generation}`, wait)
    }
    if (status === 'True') continue
    const text = message ? `, ${message.slice(0, maximumForeignText)}` : ''
    const refusal = type === 'Accepted' ? 'RouteNotAccepted' : 'RefsNotResolved'
    return find(status === 'False', refusal, field, `it is ${status ?? 'Unknown'}: ${reason}${text}`, fixFor(reason))
  }
  return undefined
}

/** Conditions that the policy controller wrote for the apex Service; undefined when it has written none. */
function answerOf(context: MeshContext, route: KubeObject): Partial<Condition>[] | undefined {
  const entry = listOf(route.status?.parents).find(one => {
    const parents = parentServices([one.parentRef], route.metadata.namespace ?? '')
    return one.controllerName === controllerName && parents.some(parent => isApex(context, parent))
  })
  return entry && (listOf(entry.conditions) as unknown as Partial<Condition>[])
}

function fixFor(reason: string): string {
  switch (reason) {
    case 'NoMatchingParent':
      return 'check that the apex Service exists and has a cluster IP: Linkerd routes no headless Service'
    case 'RouteReasonConflicted':
      return 'delete the GRPCRoute that has the same Service and port as its parent'
    case 'BackendNotFound':
      return "check that the slots' Services exist and have the routed port"
    default:
      return 'correct what the message names'
  }
}
