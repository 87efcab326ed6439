// What must hold after every single write, whoever made it: replayed over the history of a namespace.
import type {KubeObject} from '../../../crds/meta.ts'
import {labels} from '../../../crds/names.ts'
import {name as apex} from './fixture.ts'
import type {Change} from './history.ts'

interface World {
  objects: Map<string, KubeObject>
  /** Whether callers outside the mesh had a ready pod before: from then on they must always have one. */
  served: boolean
}

/** One line per breach, with the write after which it showed; empty when every law held throughout. */
export function breaches(changes: readonly Change[]): string[] {
  const world: World = {objects: new Map(), served: false}
  const found: string[] = []
  for (const {type, object, version} of changes) {
    const key = `${object.kind}/${object.metadata.name}`
    if (type === 'DELETED') world.objects.delete(key)
    else world.objects.set(key, object)
    for (const breach of breachesOf(world)) {
      const line = `${breach} (after ${type} ${key})`
      if (!found.some(one => one.startsWith(breach))) found.push(`${line} at version ${version}`)
    }
  }
  return found
}

function breachesOf(world: World): string[] {
  return [...routeBreaches(world), ...apexBreaches(world), ...ownershipBreaches(world)]
}

/** No weight on a slot that can't serve, and no route to what does not exist. */
function routeBreaches({objects}: World): string[] {
  const route = objects.get(`VirtualService/${apex}`)
  if (route === undefined) return []
  const destinations: {destination: {host: string}; weight?: number}[] = (route.spec?.http ?? []).flatMap(
    (rule: {route?: unknown[]}) => rule.route ?? [],
  )
  const found: string[] = []
  const total = destinations.reduce((sum, one) => sum + (one.weight ?? 100), 0)
  if (total !== 100) found.push(`the route's weights sum to ${total}`)
  for (const {destination} of destinations) {
    const slot = destination.host.split('.')[0] ?? ''
    for (const kind of ['Service', 'DestinationRule']) {
      if (!objects.has(`${kind}/${slot}`)) found.push(`the route names ${slot}, and there is no ${kind} ${slot}`)
    }
    if (readyEndpoints(objects, slot) === 0) found.push(`the route names ${slot}, which has no ready endpoint`)
  }
  return found
}

/** Callers outside the mesh are never without a pod. */
function apexBreaches(world: World): string[] {
  const ready = readyEndpoints(world.objects, apex)
  if (ready > 0) world.served = true
  return world.served && ready === 0 ? [`Service ${apex} has no ready endpoint`] : []
}

/** What Fairlead makes belongs to nobody else: no garbage collection and no other tool may take it. */
function ownershipBreaches({objects}: World): string[] {
  return [...objects.values()].flatMap(object => {
    if (object.kind === 'EndpointSlice' || object.metadata.labels?.[labels.rollout] === undefined) return []
    const subject = `${object.kind} ${object.metadata.name}`
    return [
      ...((object.metadata.ownerReferences ?? []).length > 0 ? [`${subject} has an ownerReference`] : []),
      ...(object.metadata.labels['app'] !== undefined ? [`${subject} carries a label of the user's`] : []),
    ]
  })
}

function readyEndpoints(objects: World['objects'], service: string): number {
  const pods = new Set<string>()
  for (const slice of objects.values()) {
    if (slice.kind !== 'EndpointSlice' || slice.metadata.labels?.['kubernetes.io/service-name'] !== service) continue
    for (const endpoint of slice.endpoints ?? []) {
      if (endpoint.conditions?.ready !== false) pods.add(endpoint.targetRef?.name ?? '')
    }
  }
  return pods.size
}
