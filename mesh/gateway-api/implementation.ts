// Who serves the route's parents, and what it can do beyond the core of the API. What it has not is worse than a refusal:
// NGINX Gateway Fabric, for one, answers 500 for a backend with a filter. So whatever isn't core is written only where the
// GatewayClass says that it is there, or the Rollout does.
import type {KubeObject} from '../../crds/meta.ts'
import {isObject, textOf} from '../shared/json.ts'
import type {MeshContext, MeshObjects} from '../types.ts'
import {describeParent, gatewayGroup, gatewayOf, objectsOf, type Parent, parentsOf} from './context.ts'

/** Controllers of Envoy Gateway are named with this in front. */
const envoyGateway = 'gateway.envoyproxy.io/'

/** Extended features of the API that Fairlead can use, as implementations list them (pkg/features of the API). */
const featureNames = {
  backendFilters: 'HTTPRouteBackendRequestHeaderModification',
  responseHeaders: 'HTTPRouteResponseHeaderModification',
  mirror: 'HTTPRouteRequestMirror',
  mirrorPercent: 'HTTPRouteRequestPercentageMirror',
  queryParams: 'HTTPRouteQueryParamMatching',
} as const
export type ExtendedFeature = keyof typeof featureNames

/** The CustomResourceDefinition whose annotation says which release of the API is installed. */
export const routeDefinition = 'httproutes.gateway.networking.k8s.io'
const bundleVersion = 'gateway.networking.k8s.io/bundle-version'

/** Minor version of the API, within its first, whose HTTPRoutes know a share of copies below 100. */
const percentSince = 3

/** What is known of whoever serves one parent. */
interface Server {
  /** How a message names it. */
  name: string
  /** Its controller, where that is known. */
  controller?: string
  isEnvoyGateway: boolean
  /** Undefined where nobody says what it supports. */
  features?: readonly string[]
}

/** Who serves each of the route's parents. */
function serversOf(context: MeshContext, objects: MeshObjects): Server[] {
  return parentsOf(context, objects).map(parent => serverOf(context, parent, objects))
}

function serverOf(context: MeshContext, parent: Parent, objects: MeshObjects): Server {
  const {gatewayClass} = gatewayOf(context)
  if (gatewayClass) return known(parent, gatewayClass.controllerName, gatewayClass.supportedFeatures)
  const {group, kind, namespace, name} = parent
  const gateway =
    group === gatewayGroup && kind === 'Gateway'
      ? objectsOf(objects, 'Gateway').find(({metadata}) => metadata.namespace === namespace && metadata.name === name)
      : undefined
  const found = objectsOf(objects, 'GatewayClass').find(
    ({metadata}) => metadata.name === gateway?.spec?.gatewayClassName,
  )
  if (!found) return {name: describeParent(parent), isEnvoyGateway: false}
  const listed = found.status?.supportedFeatures
  return known(parent, textOf(found.spec?.controllerName), Array.isArray(listed) ? namesOf(listed) : undefined)
}

/** Envoy Gateway doesn't list its features, and has had all of ours for long; what its metrics need it has in any case. */
function known(parent: Parent, controller: string, listed: readonly string[] | undefined): Server {
  const isEnvoyGateway = controller.startsWith(envoyGateway)
  const features = isEnvoyGateway ? [...(listed ?? Object.values(featureNames)), featureNames.backendFilters] : listed
  return {
    name: `${describeParent(parent)} (${controller})`,
    controller,
    isEnvoyGateway,
    ...(features ? {features: features.map(asOfRoutes)} : {}),
  }
}

/** Releases of the API before 1.1 had names alone in the list. */
function namesOf(listed: readonly unknown[]): string[] {
  return listed.map(one => (isObject(one) ? textOf(one.name) : textOf(one)))
}

/** What a mesh has is listed under a name of its own, and means the same. */
function asOfRoutes(feature: string): string {
  return feature.replace(/^Mesh(?=HTTPRoute)/, '')
}

function has(server: Server, feature: ExtendedFeature): boolean {
  return server.features?.includes(featureNames[feature]) ?? false
}

/**
 * Whether each backend gets a filter of its own: Envoy Gateway makes a cluster per backend only then. Elsewhere it would do
 * nothing, or harm.
 */
export function wantsBackendFilters(context: MeshContext, objects: MeshObjects): boolean {
  const servers = serversOf(context, objects)
  return servers.some(({isEnvoyGateway}) => isEnvoyGateway) && servers.every(server => has(server, 'backendFilters'))
}

/** Why a feature can't be used with the Rollout's parents, and what to do about it; undefined where it can. */
export function lacking(
  context: MeshContext,
  objects: MeshObjects,
  features: readonly ExtendedFeature[],
): {why: string; fix?: string} | undefined {
  if (features.includes('mirrorPercent') && isOlderApi(objects)) {
    return {
      why: "the cluster's CustomResourceDefinitions of the Gateway API are older than 1.3, and know no share of copies",
    }
  }
  for (const server of serversOf(context, objects)) {
    const feature = features.find(one => !has(server, one))
    if (feature === undefined) continue
    const name = featureNames[feature]
    if (server.features) return {why: `${server.name} does not list ${name} among the features that it supports`}
    return {
      why: `nothing says that ${server.name} supports ${name} of the Gateway API`,
      fix: `leave the field out; or, if it does, name it in spec.traffic.gatewayAPI.gatewayClass.supportedFeatures`,
    }
  }
  return undefined
}

/** Whether the API's definitions are known, and older than those with a share of copies. */
function isOlderApi(objects: MeshObjects): boolean {
  const version = objects.find(isRouteDefinition)?.metadata.annotations?.[bundleVersion] ?? ''
  const [, major, minor] = /^v([0-9]+)\.([0-9]+)\./.exec(version) ?? []
  return major === '1' ? Number(minor) < percentSince : major === '0'
}

export function isRouteDefinition({kind, metadata}: KubeObject): boolean {
  return kind === 'CustomResourceDefinition' && metadata.name === routeDefinition
}

/** Why the built-in metrics, which are Envoy Gateway's, would find nothing; undefined where they don't. */
export function uncounted(context: MeshContext, objects: MeshObjects): {why: string; fix: string} | undefined {
  const inside = parentsOf(context, objects).find(({kind}) => kind === 'Service')
  const fix = 'give the check a query of its own (threshold.query, or a MetricTemplate)'
  if (inside) return {why: `requests to ${describeParent(inside)} pass no gateway, whose metrics these are`, fix}
  const other = serversOf(context, objects).find(({isEnvoyGateway}) => !isEnvoyGateway)
  if (!other) return undefined
  if (other.controller !== undefined)
    return {why: `the metrics are those of Envoy Gateway, and not of ${other.name}`, fix}
  return {
    why: `the metrics are those of Envoy Gateway, and no GatewayClass says that it serves ${other.name}`,
    fix: `${fix}; or, if it is Envoy Gateway, say so in spec.traffic.gatewayAPI.gatewayClass.controllerName`,
  }
}
