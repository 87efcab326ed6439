// The route: one VirtualService under the apex Service's name. Every port has a rule of its own, since a rule without a
// port takes all ports of the host, and sends gRPC to where HTTP belongs.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {
  apexHost,
  istioApiVersion,
  namedObject,
  objectsOf,
  ownMetadata,
  routeHosts,
  slotHost,
  stringsOf,
  userGateways,
} from './context.ts'
import {meshGateway, resolveHost} from './hosts.ts'
import {gatewayPort, routedPorts} from './ports.ts'

const slots = ['a', 'b'] as const

/**
 * The VirtualService for the given weights.
 * @param weights percent per slot, together 100; a slot with 0 is left out, as istiod would drop it.
 * @throws RangeError when the weights aren't percentages that sum to 100.
 */
export function renderVirtualService(context: MeshContext, weights: Weights): KubeObject {
  checkWeights(weights)
  const gateways = userGateways(context)
  const {http, tcp} = routedPorts(context.apex.ports)
  // A gateway has ports of its own, so its rule names no port; the rules of the mesh never reach it, nor it them.
  const outer = gateways.length > 0 ? gatewayPort(context.apex.ports) : undefined
  const inMesh = (port: number) => rule(context, weights, {gateways: [meshGateway], port}, port)
  const outside = (kind: 'http' | 'tcp') =>
    outer?.rule === kind ? [rule(context, weights, {gateways}, outer.port)] : []
  const httpRules = [...http.map(inMesh), ...outside('http')]
  const tcpRules = [...tcp.map(inMesh), ...outside('tcp')]
  return {
    apiVersion: istioApiVersion,
    kind: 'VirtualService',
    metadata: ownMetadata(context, context.apex.name, {}),
    spec: {
      hosts: routeHosts(context),
      gateways: [meshGateway, ...gateways],
      ...(httpRules.length > 0 ? {http: httpRules} : {}),
      ...(tcpRules.length > 0 ? {tcp: tcpRules} : {}),
    },
  }
}

function checkWeights({a, b}: Weights): void {
  if (Number.isInteger(a) && Number.isInteger(b) && a >= 0 && b >= 0 && a + b === 100) return
  throw new RangeError(`weights a ${a} and b ${b} are not whole percentages that sum to 100`)
}

/**
 * One rule. A single destination carries its weight of 100 too: Istio ignores it there, and whoever reads the object
 * needn't know that.
 */
function rule(context: MeshContext, weights: Weights, match: JsonObject, port: number): JsonObject {
  const route = slots
    .filter(slot => weights[slot] > 0)
    .map(slot => ({destination: {host: slotHost(context, slot), port: {number: port}}, weight: weights[slot]}))
  return {match: [match], route}
}

/** Fields with which an http rule answers, or hands over, instead of routing by weight. */
const diversions = ['redirect', 'directResponse', 'delegate', 'fault'] as const

/**
 * The weights of the route in the cluster; undefined when there is none, when it doesn't take the apex Service's traffic,
 * or when any of its rules does something else than share requests between the two slots in one proportion.
 */
export function readVirtualService(context: MeshContext, objects: MeshObjects): Weights | undefined {
  const spec = namedObject(context, objectsOf(objects, 'VirtualService'), context.apex.name)?.spec
  if (!spec || !takesApexTraffic(context, spec) || listOf(spec.tls).length > 0) return undefined
  const readings = [...listOf(spec.http), ...listOf(spec.tcp)].map(one => readRule(context, one))
  const [first] = readings
  return readings.every(one => one && one.a === first?.a && one.b === first.b) ? first : undefined
}

function takesApexTraffic(context: MeshContext, spec: JsonObject): boolean {
  const gateways = stringsOf(spec.gateways)
  const hosts = stringsOf(spec.hosts).map(host => resolveHost(host, context.rollout.namespace))
  return hosts.includes(apexHost(context)) && (gateways.length === 0 || gateways.includes(meshGateway))
}

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

function slotOf(context: MeshContext, destination: unknown): 'a' | 'b' | undefined {
  if (!isObject(destination) || typeof destination.host !== 'string' || destination.subset !== undefined)
    return undefined
  const host = resolveHost(destination.host, context.rollout.namespace)
  return slots.find(slot => slotHost(context, slot) === host)
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(one => (isObject(one) ? one : {})) : []
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
