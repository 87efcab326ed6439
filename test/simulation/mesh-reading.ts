// What a proxy takes from a mesh's objects, and how the routes of the real meshes are read for it: by the playground's proxy,
// which goes by the rules of the mesh, not by the renderer that wrote them.
import type {KubeObject} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import type {Weights} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {Mesh} from '../../mesh/types.ts'
import type {Route, RouteRequest} from '../../playground/proxy/route-types.ts'

export const slots = ['a', 'b'] as const
export const apexHost = 'checkout.shop.svc.cluster.local'

/** What the mesh's objects say to a proxy. */
export interface MeshReading {
  /** Where requests go; undefined while there is no route. */
  route?: {
    /** Shares of requests that nothing sets apart, percent. */
    shares: Weights
    /** Slots that some requests go to, be it those of a few users. */
    reached: SlotName[]
  }
  /** Slots that a route may name. */
  destinations: SlotName[]
  /** Slots whose pods answer 429 beyond a rate. */
  limited: SlotName[]
  /** Slots whose calls to others meet faults. */
  faulted: SlotName[]
}

export interface MeshModel {
  traffic(settlingMilliseconds: number): object
  mesh(settlingMilliseconds: number, silent: boolean): Mesh
  /** What the user has made. */
  objects: KubeObject[]
  /** An object with the status that the mesh's controller gives it. */
  answered(object: KubeObject): KubeObject
  /** @param objects those of the mesh's kinds */
  read(objects: readonly KubeObject[]): MeshReading
}

export const named = (objects: readonly KubeObject[], kind: string) => objects.filter(object => object.kind === kind)
export const slotsOf = (objects: readonly KubeObject[]) =>
  slots.filter(slot => objects.some(({metadata}) => metadata.labels?.[labels.slot] === slot))

/** Where requests come from: the host that they name, and `mesh` or a gateway. */
export type Origin = Pick<RouteRequest, 'host' | 'gateway'>

export function requestFrom(from: Origin, headers: Record<string, string> = {}, query = ''): RouteRequest {
  return {method: 'GET', port: 80, path: '/', query: new URLSearchParams(query), headers, ...from}
}

/** Where the only route sends each kind of request that it tells apart. */
export function interpreted(
  objects: readonly KubeObject[],
  read: (object: KubeObject) => Route,
  from: Origin,
): Pick<MeshReading, 'route'> {
  const [object] = objects
  if (!object) return {}
  const route = read(object)
  const cookies =
    JSON.stringify(object)
      .replaceAll('\\', '')
      .match(/fairlead-checkout=[\w.-]+/g) ?? []
  const apart = [{'x-group': 'insiders'}, ...[...new Set(cookies)].map(cookie => ({cookie}))]
  const all = [{}, ...apart].map(headers => sharesOf(route, requestFrom(from, headers)))
  // What leads to the apex Service goes where its selector says, as without a route.
  if (all.every(one => one === undefined)) return {}
  const known = all.filter(one => one !== undefined)
  const [shares] = known
  if (!shares || known.length < all.length) throw new Error(`${route.id} leads to slots and to the Service itself`)
  return {route: {shares, reached: slots.filter(slot => known.some(share => share[slot] > 0))}}
}

/**
 * Percent per slot of requests of one kind; undefined where they go to the apex Service.
 * @throws Error where a request of ours has no rule, or a rule nobody to send it to: every one must have.
 */
export function sharesOf(route: Route, request: RouteRequest): Weights | undefined {
  const rule = route.rules.find(({matches}) => matches === undefined || matches.some(match => match(request)))
  if (!rule) throw new Error(`${route.id} has no rule for ${JSON.stringify(request.headers)}`)
  const total = rule.destinations.reduce((sum, {weight}) => sum + weight, 0)
  if (total === 0) throw new Error(`${route.id} leads nowhere`)
  if (rule.destinations.every(({host}) => host === apexHost)) return undefined
  const shares = {a: 0, b: 0}
  for (const {host, weight} of rule.destinations) {
    const slot = slots.find(one => host.startsWith(`checkout-${one}.`))
    if (!slot) throw new Error(`${route.id} leads to ${host}`)
    shares[slot] += (100 * weight) / total
  }
  return shares
}
