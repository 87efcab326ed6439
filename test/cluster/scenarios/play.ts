// Plays scenarios against a real API server and real proxies: applies what a mesh renders, sends requests, and says what
// became of them.
import {outstanding, stamped} from '../../../controller/core/diff.ts'
import {ClusterError} from '../../../controller/ports.ts'
import type {KubeClient} from '../../../controller/shell/kube-client.ts'
import {type KubeObject, refTo} from '../../../crds/meta.ts'
import {fieldManager, labels} from '../../../crds/names.ts'
import type {Split} from '../../../crds/rollout-status.ts'
import type {Mesh} from '../../../mesh/types.ts'
import type {Observed, Report, Request, Scenario} from './report.ts'
import {type Place, send} from './send.ts'
import type {SeenRequest} from './servers.ts'

/** Copies of requests arrive after their answers. */
const stragglerMilliseconds = 200
/** Writes of a scenario that somebody else's write came before. */
const mostAttempts = 5

export interface World {
  mesh: Mesh
  client: KubeClient
  namespace: string
  /** Every request that a server got. */
  seen: SeenRequest[]
  /** Names of the servers that answer with status 503. */
  failing: Set<string>
  placeOf(from: string, protocol: Request['protocol']): Place
  /** Resolves once the proxies have what was applied. */
  settled(): Promise<void>
  /** How many requests the proxies have counted so far, by the name under which they count. */
  counts?(): Promise<Map<string, number>>
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

function sendOne({placeOf}: World, request: Request): Promise<Observed> {
  return send(placeOf(request.from, request.protocol), request)
}

async function sendAll(world: World, requests: readonly Request[]): Promise<Observed[]> {
  const observed: Observed[] = []
  for (const request of requests) observed.push(await sendOne(world, request))
  return observed
}

/** Objects of the mesh's kinds. */
async function live({mesh, client, namespace}: World): Promise<KubeObject[]> {
  const lists = mesh.kinds.map(({apiVersion, kind}) => client.list({apiVersion, kind, namespace}))
  return (await Promise.all(lists)).flat()
}

async function rendered(world: World, {context, split, protection}: Scenario): Promise<KubeObject[]> {
  const objects = await live(world)
  return [
    ...world.mesh.renderDestinations(context, ['a', 'b'], objects, protection),
    ...world.mesh.renderRoutes(context, split, objects),
  ]
}

/** A borrowed route names the version that it was made from: whoever writes its status in between is no failure. */
async function applyOnce(world: World, scenario: Scenario, attempt = 1): Promise<void> {
  try {
    for (const manifest of await rendered(world, scenario)) {
      await world.client.apply(stamped(manifest), {fieldManager, force: true})
    }
  } catch (error) {
    if (!(error instanceof ClusterError && error.status === 409) || attempt === mostAttempts) throw error
    await applyOnce(world, scenario, attempt + 1)
  }
}

/** Applies what is rendered as the controller does; returns what would be applied once more though nothing changed. */
async function apply(world: World, scenario: Scenario): Promise<string[]> {
  await applyOnce(world, scenario)
  const after = await live(world)
  return (await rendered(world, scenario))
    .filter(manifest => {
      const found = after.find(one => one.kind === manifest.kind && one.metadata.name === manifest.metadata.name)
      return outstanding({kind: 'apply', manifest}, found)
    })
    .map(({kind, metadata}) => `${kind} ${metadata.name}`)
}

/** How many requests were counted for each slot, by the names that the mesh's own counters go by. */
function countedFor(
  {mesh}: World,
  {context}: Scenario,
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): {a: number; b: number} {
  const [family] = mesh.counters
  const total = (slot: 'a' | 'b') =>
    (family?.keysOf(context, slot) ?? []).reduce((sum, [name = '']) => {
      return sum + (after.get(name) ?? 0) - (before.get(name) ?? 0)
    }, 0)
  return {a: total('a'), b: total('b')}
}

/** A request that got no answer at all. */
function lost(error: Error): Observed {
  return {status: 0, cookies: [], milliseconds: 0, error: error.message}
}

/** Moves on to another split while requests go on, the first one again and again. */
async function move(world: World, scenario: Scenario, split: Split): Promise<Report[string]['moves'][number]> {
  const {requests} = scenario
  const [first] = requests
  if (!first) throw new Error('a scenario without requests shows nothing')
  let moving = true
  const meanwhile: Observed[] = []
  const going = (async () => {
    while (moving) meanwhile.push(await sendOne(world, first).catch(lost))
  })()
  await apply(world, {...scenario, split})
  await world.settled()
  moving = false
  await going
  return {meanwhile, after: await sendAll(world, requests)}
}

/** Plays one scenario, and removes its objects. */
export async function play(world: World, scenario: Scenario): Promise<Report[string]> {
  const {client, mesh} = world
  const {context, users = [], requests} = scenario
  for (const object of users) await client.apply(object, {fieldManager: 'kubectl-create', force: true})
  const left = await apply(world, scenario)
  world.failing.clear()
  for (const name of scenario.failing ?? []) world.failing.add(name)
  await world.settled()
  const read = mesh.read(context, await live(world))
  world.seen.length = 0
  const before = await world.counts?.()
  const observed = await sendAll(world, requests)
  const moves: Report[string]['moves'] = []
  for (const split of scenario.then ?? []) moves.push(await move(world, scenario, split))
  await pause(stragglerMilliseconds)
  const received = world.seen.map(({server, host}) => ({server, host}))
  const after = await world.counts?.()
  const counted = before && after ? {counted: countedFor(world, scenario, before, after)} : {}
  const returned = mesh.renderReturned(context, await live(world))
  const ours = (await live(world)).filter(({metadata}) => {
    return metadata.labels?.[labels.rollout] !== undefined || users.some(({metadata: {name}}) => name === metadata.name)
  })
  for (const object of ours) await client.delete(refTo(object), {uid: object.metadata.uid ?? ''})
  return {outstanding: left, ...(read ? {read} : {}), observed, moves, received, ...counted, returned}
}
