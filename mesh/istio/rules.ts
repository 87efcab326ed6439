// The rules for one scope: requests that match, then users with a cookie, then everybody else by weight.
import type {JsonObject} from '../../crds/meta.ts'
import type {Split} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {cookiePattern, setCookie} from '../shared/cookies.ts'
import {isObject, listOf, textOf} from '../shared/json.ts'
import {type MeshContext, sessionsOf} from '../types.ts'
import {slotHost} from './context.ts'
import {resolveHost} from './hosts.ts'
import {conditionOf, type Scope} from './matching.ts'

const slots = ['a', 'b'] as const

/** Names of the rules that stand before the one with the weights: access logs show them. */
const matchedName = 'fairlead-matched'
const sessionPrefix = 'fairlead-session-'
const otherSessionName = `${sessionPrefix}other`

/** Http rules of one scope, the most special first. @param port of the slots' Services that requests go to */
export function httpRules(
  context: MeshContext,
  split: Split,
  scope: Scope,
  port: number,
  insideMesh: boolean,
): JsonObject[] {
  const {apart} = split
  const shares = sharesRule(context, split, scope, port)
  if (!apart) return [shares]
  const to = (slot: SlotName) => destinationTo(context, slot, port)
  const rules: JsonObject[] = []
  const conditions = apart.matched
    ? (context.routing?.matches ?? []).map(match => conditionOf(match, scope, insideMesh))
    : []
  const match = conditions.filter(condition => condition !== undefined)
  const cookies = cookiesOf(context, split)
  if (match.length > 0)
    rules.push({name: matchedName, match, route: [{...to(apart.slot), ...cookies?.apart, weight: 100}]})
  if (cookies) {
    const rule = (name: string, value: string, slot: SlotName) => ({
      name,
      match: [{...scope, headers: {cookie: {regex: cookiePattern([{name: cookies.name, value}])}}}],
      route: [{...to(slot), weight: 100}],
    })
    rules.push(rule(`${sessionPrefix}${cookies.values.apart}`, cookies.values.apart, apart.slot))
    if (isShared(split)) rules.push(rule(otherSessionName, cookies.values.other, otherSlot(apart.slot)))
  }
  const {mirrorPercent} = apart
  const mirror =
    mirrorPercent === undefined ? {} : {mirror: to(apart.slot).destination, mirrorPercentage: {value: mirrorPercent}}
  return [...rules, {...shares, ...mirror}]
}

/** The rule for a TCP port: connections have neither headers nor cookies, so the weights are all that they get. */
export function tcpRule(context: MeshContext, split: Split, scope: Scope, port: number): JsonObject {
  return sharesRule(context, {a: split.a, b: split.b}, scope, port)
}

/**
 * A single destination carries its weight of 100 too: Istio ignores it there, and whoever reads the object needn't know
 * that.
 */
function sharesRule(context: MeshContext, split: Split, scope: Scope, port: number): JsonObject {
  const cookies = isShared(split) ? cookiesOf(context, split) : undefined
  const route = slots
    .filter(slot => split[slot] > 0)
    .map(slot => ({
      ...destinationTo(context, slot, port),
      ...(slot === split.apart?.slot ? cookies?.apart : cookies?.other),
      weight: split[slot],
    }))
  return {...(Object.keys(scope).length > 0 ? {match: [{...scope}]} : {}), route}
}

function destinationTo(context: MeshContext, slot: SlotName, port: number): {destination: JsonObject} {
  return {destination: {host: slotHost(context, slot), port: {number: port}}}
}

function isShared({a, b}: Split): boolean {
  return a > 0 && b > 0
}

function otherSlot(slot: SlotName): SlotName {
  return slot === 'a' ? 'b' : 'a'
}

/** The cookie of a split with a session: its values, and the fields of a destination that set them. */
function cookiesOf(context: MeshContext, split: Split) {
  const sticky = context.routing?.sticky
  const values = sessionsOf(split)
  if (!sticky || !values) return undefined
  const {cookie: name, maxAgeSeconds} = sticky
  const setting = (value: string) => ({
    headers: {response: {add: {'Set-Cookie': setCookie({name, value}, maxAgeSeconds)}}},
  })
  return {name, values, apart: setting(values.apart), other: setting(values.other)}
}

/** Whether a rule is the one with the weights. */
export function isSharesRule({name}: JsonObject): boolean {
  return typeof name !== 'string' || !(name === matchedName || name.startsWith(sessionPrefix))
}

/**
 * What http rules seem to give one slot apart; undefined when nothing. It is a guess by the rules' names: only the rules
 * that are rendered from it tell whether they say so.
 */
export function guessedApart(context: MeshContext, rules: readonly JsonObject[]): Split['apart'] {
  const matched = rules.find(({name}) => name === matchedName)
  const session = rules.find(rule => !isSharesRule(rule) && rule !== matched && rule.name !== otherSessionName)
  const mirrored = rules.find(rule => rule.mirror !== undefined)
  const [first] = listOf((matched ?? session)?.route)
  const slot = slotOf(context, first ? first.destination : mirrored?.mirror)
  if (!slot) return undefined
  const percentage = isObject(mirrored?.mirrorPercentage) ? mirrored.mirrorPercentage.value : undefined
  return {
    slot,
    ...(matched ? {matched: true as const} : {}),
    ...(session ? {session: textOf(session.name).slice(sessionPrefix.length)} : {}),
    ...(typeof percentage === 'number' ? {mirrorPercent: percentage} : {}),
  }
}

/** Slot that a destination names; undefined for any other, and for a subset. */
export function slotOf(context: MeshContext, destination: unknown): SlotName | undefined {
  if (!isObject(destination) || typeof destination.host !== 'string' || destination.subset !== undefined)
    return undefined
  const host = resolveHost(destination.host, context.rollout.namespace)
  return slots.find(slot => slotHost(context, slot) === host)
}
