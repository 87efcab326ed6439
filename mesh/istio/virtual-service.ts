// The route: one VirtualService under the apex Service's name. Every port has rules of its own, since a rule without a
// port takes all ports of the host, and sends gRPC to where HTTP belongs.
import {canonicalJson} from '../../crds/json.ts'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Split, Weights} from '../../crds/rollout-status.ts'
import {listOf} from '../shared/json.ts'
import {ownMetadata} from '../shared/own.ts'
import {agreed, checkWeights} from '../shared/weights.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {
  apexHost,
  istioApiVersion,
  istioOf,
  namedObject,
  objectsOf,
  routeHosts,
  stringsOf,
  userGateways,
} from './context.ts'
import {meshGateway, resolveHost} from './hosts.ts'
import {gatewayPort, routedPorts} from './ports.ts'
import {guessedApart, httpRules, isSharesRule, slotOf, tcpRule} from './rules.ts'

/**
 * The VirtualService for a split.
 * @param split percent per slot, together 100; a slot with 0 is left out, as istiod would drop it.
 * @throws RangeError when the weights aren't percentages that sum to 100.
 */
export function renderVirtualService(context: MeshContext, split: Split): KubeObject {
  checkWeights(split)
  const {http, tcp} = istioOf(context).delegate ? delegateRules(context, split) : rootRules(context, split)
  return {
    apiVersion: istioApiVersion,
    kind: 'VirtualService',
    metadata: ownMetadata(context, context.apex.name),
    spec: {
      ...(istioOf(context).delegate
        ? {}
        : {hosts: routeHosts(context), gateways: [meshGateway, ...userGateways(context)]}),
      ...(http.length > 0 ? {http} : {}),
      ...(tcp.length > 0 ? {tcp} : {}),
    },
  }
}

interface Rules {
  http: JsonObject[]
  tcp: JsonObject[]
}

function rootRules(context: MeshContext, split: Split): Rules {
  const gateways = userGateways(context)
  const {http, tcp} = routedPorts(context.apex.ports)
  // A gateway has ports of its own, so its rule names no port; the rules of the mesh never reach it, nor it them.
  const outer = gateways.length > 0 ? gatewayPort(context.apex.ports) : undefined
  const inside = (port: number) => ({gateways: [meshGateway], port})
  return {
    http: [
      ...http.flatMap(port => httpRules(context, split, inside(port), port, true)),
      ...(outer?.rule === 'http' ? httpRules(context, split, {gateways}, outer.port, false) : []),
    ],
    tcp: [
      ...tcp.map(port => tcpRule(context, split, inside(port), port)),
      ...(outer?.rule === 'tcp' ? [tcpRule(context, split, {gateways}, outer.port)] : []),
    ],
  }
}

/** Rules that are merged into those that delegate to them: hosts, gateways and ports are theirs. */
function delegateRules(context: MeshContext, split: Split): Rules {
  const outer = gatewayPort(context.apex.ports)
  return {http: outer?.rule === 'http' ? httpRules(context, split, {}, outer.port, false) : [], tcp: []}
}

/** Ports of the apex Service that the rules lead to. */
export function portsOf(context: MeshContext): number[] {
  const {ports} = context.apex
  const {http, tcp} = routedPorts(ports)
  if (!istioOf(context).delegate) return [...new Set([...http, ...tcp])]
  const outer = gatewayPort(ports)
  return outer?.rule === 'http' ? [outer.port] : []
}

/** Fields with which an http rule answers, or hands over, instead of routing by weight. */
const diversions = ['redirect', 'directResponse', 'delegate', 'fault'] as const

/**
 * What the route in the cluster carries; undefined when there is none, when it doesn't take the apex Service's traffic, or
 * when any of its rules does something else than share requests between the two slots as Fairlead does.
 */
export function readVirtualService(context: MeshContext, objects: MeshObjects): Split | undefined {
  const spec = namedObject(context, objectsOf(objects, 'VirtualService'), context.apex.name)?.spec
  if (!spec || !takesApexTraffic(context, spec) || listOf(spec.tls).length > 0) return undefined
  const http = listOf(spec.http)
  const readings = [...http.filter(isSharesRule), ...listOf(spec.tcp)].map(one => readRule(context, one))
  const first = agreed(readings)
  if (!first) return undefined
  const apart = guessedApart(context, http)
  if (!apart) return http.every(one => isSharesRule(one) && one.mirror === undefined) ? first : undefined
  const split: Split = {...first, apart}
  return canonicalJson(renderVirtualService(context, split).spec.http) === canonicalJson(spec.http) ? split : undefined
}

function takesApexTraffic(context: MeshContext, spec: JsonObject): boolean {
  const hosts = stringsOf(spec.hosts).map(host => resolveHost(host, context.rollout.namespace))
  const gateways = stringsOf(spec.gateways)
  if (istioOf(context).delegate) return hosts.length === 0 && gateways.length === 0
  return hosts.includes(apexHost(context)) && (gateways.length === 0 || gateways.includes(meshGateway))
}

/** Weights of one rule; undefined when it does anything else than share. */
function readRule(context: MeshContext, one: JsonObject): Weights | undefined {
  if (diversions.some(field => one[field] !== undefined)) return undefined
  const route = listOf(one.route)
  const weights = {a: 0, b: 0}
  for (const entry of route) {
    const slot = slotOf(context, entry.destination)
    // Istio ignores the weight of a single destination.
    const weight = route.length === 1 ? 100 : (entry.weight ?? 0)
    if (!slot || typeof weight !== 'number' || !Number.isInteger(weight) || weight < 0) return undefined
    weights[slot] += weight
  }
  return weights.a + weights.b === 100 ? weights : undefined
}
