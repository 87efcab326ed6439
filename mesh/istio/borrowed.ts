// A VirtualService of the user's: Fairlead changes the destinations of the rules that lead to the apex Service, and leaves
// every other rule and field as it is. The lists of rules have one owner each in server-side apply.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Split, Weights} from '../../crds/rollout-status.ts'
import {isObject, listOf, textOf} from '../shared/json.ts'
import {agreed} from '../shared/weights.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {apexHost, istioOf, namedObject, objectsOf} from './context.ts'
import {resolveHost, serviceHost} from './hosts.ts'
import {routedPorts} from './ports.ts'
import {slotOf} from './rules.ts'

const slots = ['a', 'b'] as const
const lists = ['http', 'tcp'] as const

/** The VirtualService that is borrowed, as it is in the cluster. */
export function borrowedRoute(context: MeshContext, objects: MeshObjects): KubeObject | undefined {
  const name = istioOf(context).virtualService?.name
  return name === undefined ? undefined : namedObject(context, objectsOf(objects, 'VirtualService'), name)
}

/** The borrowed route with the weights; none where it is missing. */
export function renderBorrowed(context: MeshContext, weights: Weights, objects: MeshObjects): KubeObject[] {
  return rewritten(context, objects, entry =>
    slots
      .filter(slot => weights[slot] > 0)
      .map(slot => ({...pointedAt(context, entry, context.slots[slot]), weight: weights[slot]})),
  )
}

/** The borrowed route with the apex Service where the slots stood; none where it is missing. */
export function renderBorrowedBack(context: MeshContext, objects: MeshObjects): KubeObject[] {
  return rewritten(context, objects, entry => [pointedAt(context, entry, context.apex.name)])
}

/**
 * The lists of rules that hold one of ours, with other destinations. It names the version that it was made from, so that a
 * change that somebody made meanwhile is never overwritten, and no label: the object stays the user's.
 */
function rewritten(
  context: MeshContext,
  objects: MeshObjects,
  destinations: (entry: JsonObject) => JsonObject[],
): KubeObject[] {
  const live = borrowedRoute(context, objects)
  if (!live) return []
  const rewrite = (rule: JsonObject): JsonObject => {
    const {weight: _weight, ...first} = listOf(rule.route).find(entry => leadsToUs(context, entry)) ?? {}
    return {...rule, route: destinations(first)}
  }
  const spec = Object.fromEntries(
    lists
      .filter(list => listOf(live.spec?.[list]).some(rule => isChosen(context, list, rule)))
      .map(list => [list, listOf(live.spec[list]).map(rule => (isChosen(context, list, rule) ? rewrite(rule) : rule))]),
  )
  const {name, namespace, resourceVersion} = live.metadata
  if (Object.keys(spec).length === 0) return []
  return [
    {
      apiVersion: live.apiVersion,
      kind: live.kind,
      metadata: {
        name,
        ...(namespace === undefined ? {} : {namespace}),
        ...(resourceVersion === undefined ? {} : {resourceVersion}),
      },
      spec,
    },
  ]
}

/** A destination with another host, written as the user wrote the one before: by its short or by its full name. */
function pointedAt(context: MeshContext, entry: JsonObject, service: string): JsonObject {
  const before = isObject(entry.destination) ? entry.destination : {}
  const short = !textOf(before.host).includes('.')
  return {...entry, destination: {...before, host: short ? service : serviceHost(service, context.rollout.namespace)}}
}

/** Whether a rule is one that Fairlead may change. */
function isChosen(context: MeshContext, list: 'http' | 'tcp', rule: JsonObject): boolean {
  const names = istioOf(context).virtualService?.routes
  if (names && !(list === 'http' && names.includes(textOf(rule.name)))) return false
  return listOf(rule.route).some(entry => leadsToUs(context, entry))
}

/** Full host of a destination. */
export function hostOf(context: MeshContext, {destination}: JsonObject): string {
  return resolveHost(isObject(destination) ? textOf(destination.host) : '', context.rollout.namespace)
}

/** Whether a destination is the apex Service or a slot. */
export function leadsToUs(context: MeshContext, entry: JsonObject): boolean {
  const host = hostOf(context, entry)
  return (
    host === apexHost(context) ||
    slots.some(slot => serviceHost(context.slots[slot], context.rollout.namespace) === host)
  )
}

/** The rules that Fairlead may change, with their field. */
export function chosenRules(context: MeshContext, route: KubeObject): {field: string; rule: JsonObject}[] {
  return lists.flatMap(list =>
    listOf(route.spec?.[list]).flatMap((rule, index) =>
      isChosen(context, list, rule) ? [{field: `spec.${list}[${index}]`, rule}] : [],
    ),
  )
}

/** Ports of the slots that its rules name; a destination without a port means the only one of its Service. */
export function borrowedPorts(context: MeshContext, objects: MeshObjects): number[] {
  const live = borrowedRoute(context, objects)
  const entries = (live ? chosenRules(context, live) : []).flatMap(({rule}) => listOf(rule.route))
  const {http, tcp} = routedPorts(context.apex.ports)
  const ports = entries
    .filter(entry => leadsToUs(context, entry))
    .flatMap(({destination}) => {
      const {port} = isObject(destination) ? destination : {}
      return isObject(port) && typeof port.number === 'number' ? [port.number] : [...http, ...tcp]
    })
  return [...new Set(ports)]
}

/** The weights of the borrowed route; undefined while a rule of ours leads elsewhere, or two of them disagree. */
export function readBorrowed(context: MeshContext, objects: MeshObjects): Split | undefined {
  const live = borrowedRoute(context, objects)
  const readings = live ? chosenRules(context, live).map(({rule}) => sharesOf(context, rule)) : []
  return agreed(readings)
}

function sharesOf(context: MeshContext, rule: JsonObject): Weights | undefined {
  const route = listOf(rule.route)
  const weights = {a: 0, b: 0}
  for (const entry of route) {
    const slot = slotOf(context, entry.destination)
    const weight: unknown = route.length === 1 ? 100 : (entry.weight ?? 0)
    if (!slot || typeof weight !== 'number') return undefined
    weights[slot] += weight
  }
  return weights.a + weights.b === 100 ? weights : undefined
}
