// An HTTPRoute or GRPCRoute of the user's: Fairlead changes the backends of the rules that lead to the apex Service, and
// leaves every other rule and field as it is. The list of rules has one owner in server-side apply.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Split, Weights} from '../../crds/rollout-status.ts'
import type {Mesh, MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {listOf, textOf} from './json.ts'
import {claimedRoute} from './own.ts'
import {keepers, settingFor} from './ownership.ts'
import {names, type RouteKind, sharesOf, slotOf} from './routes.ts'
import {agreed} from './weights.ts'

const slotNames = ['a', 'b'] as const
const group = 'gateway.networking.k8s.io'

/** What a Rollout says of a route that it borrows. */
export interface Borrowing {
  kind?: RouteKind | undefined
  name: string
  rules?: string[] | undefined
  ownership: 'exclusive' | 'shared'
}

/** How a mesh writes and reads its own route. */
interface OwnRoute {
  /** What the Rollout says of a route that it borrows instead; undefined when it doesn't. */
  borrowing(context: MeshContext): Borrowing | undefined
  render(context: MeshContext, split: Split, objects: MeshObjects): KubeObject
  read(context: MeshContext, objects: MeshObjects): Split | undefined
  /** The port of the slots' Services that it names; undefined where the apex Service has none. */
  port(context: MeshContext): {port: number} | undefined
  /** A backend alone gets everything, even with weight 0. */
  lone: boolean
}

/** A mesh's part about its one route, its own or a borrowed one. */
export function ownOrBorrowed(own: OwnRoute): Pick<Mesh, 'renderRoutes' | 'renderReturned' | 'routedPorts' | 'read'> {
  return {
    renderRoutes(context, split, objects) {
      const borrowing = own.borrowing(context)
      return borrowing ? renderBorrowed(context, borrowing, split, objects) : [own.render(context, split, objects)]
    },
    renderReturned(context, objects) {
      const borrowing = own.borrowing(context)
      return borrowing ? renderBorrowedBack(context, borrowing, objects) : []
    },
    routedPorts(context, objects) {
      const borrowing = own.borrowing(context)
      if (borrowing) return [...new Set(borrowedPorts(context, borrowing, objects))]
      const routed = own.port(context)
      return routed ? [routed.port] : []
    },
    read(context, objects) {
      const borrowing = own.borrowing(context)
      return borrowing ? readBorrowed(context, borrowing, objects, own.lone) : own.read(context, objects)
    },
  }
}

/** The borrowed route as it is in the cluster. */
function borrowedRoute(context: MeshContext, {kind, name}: Borrowing, objects: MeshObjects): KubeObject | undefined {
  return objects.find(object => {
    const {apiVersion, metadata} = object
    const isKind = object.kind === (kind ?? 'HTTPRoute') && apiVersion.startsWith(`${group}/`)
    return isKind && metadata.namespace === context.rollout.namespace && metadata.name === name
  })
}

/** The borrowed route with the weights; none where it is missing. A slot without weight is left out. */
export function renderBorrowed(
  context: MeshContext,
  borrowing: Borrowing,
  weights: Weights,
  objects: MeshObjects,
): KubeObject[] {
  return rewritten(context, borrowing, objects, backend =>
    slotNames
      .filter(slot => weights[slot] > 0)
      .map(slot => ({...backend, name: context.slots[slot], weight: weights[slot]})),
  )
}

/** The borrowed route with the apex Service where the slots stood, with the weight that the API gives a backend. */
export function renderBorrowedBack(context: MeshContext, borrowing: Borrowing, objects: MeshObjects): KubeObject[] {
  return rewritten(context, borrowing, objects, backend => [{...backend, name: context.apex.name, weight: 1}])
}

/**
 * The list of rules with other backends. It names the version that it was made from, so that a change that somebody made
 * meanwhile is never overwritten, and no label: the object stays the user's.
 */
function rewritten(
  context: MeshContext,
  borrowing: Borrowing,
  objects: MeshObjects,
  backends: (backend: JsonObject) => JsonObject[],
): KubeObject[] {
  const live = borrowedRoute(context, borrowing, objects)
  if (!live || chosenRules(context, borrowing, live).length === 0) return []
  const rewrite = (rule: JsonObject): JsonObject => {
    const first = listOf(rule.backendRefs).find(backend => leadsToUs(context, backend)) ?? {}
    return {...rule, backendRefs: backends(first)}
  }
  const rules = listOf(live.spec.rules).map(rule => (isChosen(context, borrowing, rule) ? rewrite(rule) : rule))
  const {name, namespace, resourceVersion} = live.metadata
  const metadata = {
    name,
    ...(namespace === undefined ? {} : {namespace}),
    ...(resourceVersion === undefined ? {} : {resourceVersion}),
  }
  return [{apiVersion: live.apiVersion, kind: live.kind, metadata, spec: {rules}}]
}

/** Whether a rule is one that Fairlead may change. */
function isChosen(context: MeshContext, {rules}: Borrowing, rule: JsonObject): boolean {
  if (rules && !rules.includes(textOf(rule.name))) return false
  return listOf(rule.backendRefs).some(backend => leadsToUs(context, backend))
}

/** Whether a backend is the apex Service or a slot. */
function leadsToUs(context: MeshContext, backend: JsonObject): boolean {
  return names(context, backend, context.apex.name) || slotOf(context, backend) !== undefined
}

/** The rules that Fairlead may change, with their field. */
export function chosenRules(
  context: MeshContext,
  borrowing: Borrowing,
  route: KubeObject,
): {field: string; rule: JsonObject}[] {
  return listOf(route.spec?.rules).flatMap((rule, index) =>
    isChosen(context, borrowing, rule) ? [{field: `spec.rules[${index}]`, rule}] : [],
  )
}

/**
 * The weights of the borrowed route; undefined while a rule of ours leads elsewhere, or two of them disagree.
 * @param lone a backend alone gets everything, even with weight 0
 */
export function readBorrowed(
  context: MeshContext,
  borrowing: Borrowing,
  objects: MeshObjects,
  lone: boolean,
): Split | undefined {
  const live = borrowedRoute(context, borrowing, objects)
  const chosen = live ? chosenRules(context, borrowing, live) : []
  const readings = chosen.map(({rule}) => sharesOf(context, {backendRefs: rule.backendRefs ?? []}, lone))
  return agreed(readings)
}

/** Ports of the slots that the rules name; a backend that is a Service has one. */
function borrowedPorts(context: MeshContext, borrowing: Borrowing, objects: MeshObjects): number[] {
  const live = borrowedRoute(context, borrowing, objects)
  return (live ? chosenRules(context, borrowing, live) : [])
    .flatMap(({rule}) => listOf(rule.backendRefs).filter(backend => leadsToUs(context, backend)))
    .flatMap(({port}) => (typeof port === 'number' ? [port] : []))
}

/**
 * What stands in the way of a borrowed route.
 * @param field of the Rollout that names it
 */
export function borrowedProblems(
  context: MeshContext,
  borrowing: Borrowing,
  objects: MeshObjects,
  field: string,
): MeshProblem[] {
  const route = borrowedRoute(context, borrowing, objects)
  const object = `${borrowing.kind ?? 'HTTPRoute'} ${context.rollout.namespace}/${borrowing.name}`
  if (!route) {
    const fix = `create it, or correct ${field}.name in the Rollout`
    return [{reason: 'RouteMissing', object, field: 'metadata.name', problem: 'it does not exist', fix}]
  }
  const claimed = claimedRoute(context, route)
  if (claimed) return [claimed]
  const chosen = chosenRules(context, borrowing, route)
  return [
    ...missingRules(context, borrowing, object, field, chosen),
    ...chosen.flatMap(one => unsplittable(context, object, one)),
    ...(borrowing.ownership === 'shared' ? [] : owners(object, route, field)),
  ]
}

function missingRules(
  context: MeshContext,
  {rules: wanted}: Borrowing,
  object: string,
  field: string,
  chosen: readonly {rule: JsonObject}[],
): MeshProblem[] {
  const {name} = context.apex
  const problem = (text: string): MeshProblem => ({
    reason: 'RuleMissing',
    object,
    field: 'spec.rules',
    problem: text,
    fix: `give a rule a backend ${name}, or correct ${field}.rules in the Rollout`,
  })
  if (!wanted && chosen.length === 0) return [problem(`none of its rules leads to Service ${name}`)]
  const found = chosen.map(({rule}) => textOf(rule.name))
  return (wanted ?? [])
    .filter(rule => !found.includes(rule))
    .map(rule => problem(`it has no rule ${rule} that leads to Service ${name}`))
}

function unsplittable(
  context: MeshContext,
  object: string,
  {field, rule}: {field: string; rule: JsonObject},
): MeshProblem[] {
  const backends = listOf(rule.backendRefs)
  const base = {reason: 'UnsplittableRule', object, field: `${field}.backendRefs`}
  const {name} = context.apex
  if (backends.some(backend => !leadsToUs(context, backend))) {
    const problem = 'it shares its requests with other backends, so a weight would not be a share of all of them'
    return [{...base, problem, fix: `let the rule lead to ${name} alone`}]
  }
  const services = [name, context.slots.a, context.slots.b]
  if (services.every(service => backends.filter(backend => names(context, backend, service)).length < 2)) return []
  const problem =
    'several of its backends are the Service, and one of them alone would be left in a release and after it'
  return [
    {...base, problem, fix: `let the rule have one backend ${name}: another port or another filter takes another rule`},
  ]
}

function owners(object: string, route: KubeObject, field: string): MeshProblem[] {
  return keepers(route, ['rules']).map(manager => ({
    reason: 'RouteOwnedElsewhere',
    object,
    field: 'spec.rules',
    problem: `${manager} manages it, and would take the weights back`,
    fix: `${settingFor(manager, route, ['rules'])}; then set ${field}.ownership: shared in the Rollout`,
  }))
}

/** A route by its name, among the names under which objects matter to Rollouts. */
export function routeClaim(kind: string, namespace: string, name: string): string {
  return `${kind} ${namespace}/${name}`
}
