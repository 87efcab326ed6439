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
/** So many requests at least are under way around a change, some of them before it: on a busy machine it may be over sooner. */
const leastMeanwhile = 100
const leastBefore = 5

/** One series of a proxy's. */
export interface Counter {
  labels: Record<string, string>
  value: number
}

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
  /** The proxies' counters of requests as they are. */
  counts?(): Promise<Counter[]>
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

/** Objects of the mesh's kinds, of every namespace. */
async function live({mesh, client}: World): Promise<KubeObject[]> {
  const lists = mesh.kinds.map(({apiVersion, kind, name, metadataOnly}) =>
    client.listVersioned({
      apiVersion,
      kind,
      ...(name === undefined ? {} : {name}),
      ...(metadataOnly ? {metadataOnly} : {}),
    }),
  )
  return (await Promise.all(lists)).flatMap(({items}) => items)
}

async function rendered(world: World, {context, split, protection}: Scenario): Promise<KubeObject[]> {
  const objects = await live(world)
  return [
    ...world.mesh.renderDestinations(context, ['a', 'b'], objects, protection),
    ...world.mesh.renderRoutes(context, split, objects),
  ]
}

/** A borrowed route names the version that it was made from: where somebody wrote a status meanwhile, it is made anew. */
async function applyOnce(world: World, scenario: Scenario, tries = 5): Promise<void> {
  try {
    for (const manifest of await rendered(world, scenario)) {
      await world.client.apply(stamped(manifest), {fieldManager, force: true})
    }
  } catch (error) {
    if (!(error instanceof ClusterError && error.status === 409) || tries === 1) throw error
    await applyOnce(world, scenario, tries - 1)
  }
}

/** Applies what is rendered as the controller does; returns what would be applied once more though nothing changed. */
async function apply(world: World, scenario: Scenario): Promise<string[]> {
  await applyOnce(world, scenario)
  const after = await live(world)
  return (await rendered(world, scenario))
    .filter(manifest => {
      const {name, namespace} = manifest.metadata
      const found = after.find(
        ({kind, metadata}) => kind === manifest.kind && metadata.name === name && metadata.namespace === namespace,
      )
      return outstanding({kind: 'apply', manifest}, found)
    })
    .map(({kind, metadata}) => `${kind} ${metadata.name}`)
}

/** How many requests were counted for each slot, as the mesh's own counters tell, and how many of them failed. */
function countedFor({mesh}: World, {context}: Scenario, before: readonly Counter[], after: readonly Counter[]) {
  const [family] = mesh.counters
  const earlier = new Map(before.map(({labels: of, value}) => [JSON.stringify(of), value]))
  const total = (slot: 'a' | 'b', outcomes: string[]) =>
    after
      .filter(({labels: of}) =>
        family?.keysOf(context, slot).some(key =>
          isOf(
            key,
            family.keyLabels.map(one => of[one]),
          ),
        ),
      )
      .filter(({labels: of}) => outcomes.includes(family?.outcomeOf(of) ?? ''))
      .reduce((sum, {labels: of, value}) => sum + value - (earlier.get(JSON.stringify(of)) ?? 0), 0)
  return {
    counted: {a: total('a', ['answered', 'failed']), b: total('b', ['answered', 'failed'])},
    failed: {a: total('a', ['failed']), b: total('b', ['failed'])},
  }
}

function isOf(key: readonly string[], values: readonly (string | undefined)[]): boolean {
  return key.every((one, index) => one === values[index])
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
    while (moving || meanwhile.length < leastMeanwhile) {
      const observed = await sendOne(world, first).catch(lost)
      meanwhile.push({...observed, endedAt: performance.now()})
    }
  })()
  while (meanwhile.length < leastBefore) await pause(1)
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
  const counted = before && after ? countedFor(world, scenario, before, after) : {}
  const returned = mesh.renderReturned(context, await live(world))
  const ours = (await live(world)).filter(({metadata}) => {
    return metadata.labels?.[labels.rollout] !== undefined || users.some(({metadata: {name}}) => name === metadata.name)
  })
  for (const object of ours) await client.delete(refTo(object), {uid: object.metadata.uid ?? ''})
  return {outstanding: left, ...(read ? {read} : {}), observed, moves, received, ...counted, returned}
}
