// Plays scenarios against a real API server and real proxies: applies what a mesh renders, sends requests, and says what
// became of them.
import {get} from 'node:http'
import {outstanding, stamped} from '../../../controller/core/diff.ts'
import type {KubeClient} from '../../../controller/shell/kube-client.ts'
import {type KubeObject, refTo} from '../../../crds/meta.ts'
import {fieldManager, labels} from '../../../crds/names.ts'
import type {Mesh} from '../../../mesh/types.ts'
import type {Observed, Report, Request, Scenario} from './report.ts'
import type {SeenRequest} from './servers.ts'

const timeoutMilliseconds = 10_000
/** Copies of requests arrive after their answers. */
const stragglerMilliseconds = 200

export interface World {
  mesh: Mesh
  client: KubeClient
  namespace: string
  /** Every request that a server got. */
  seen: SeenRequest[]
  /** Names of the servers that answer with status 503. */
  failing: Set<string>
  placeOf(from: string): {host: string; port: number}
  /** Resolves once the proxies have what was applied. */
  settled(): Promise<void>
  /** How many requests the proxies have counted so far, by the name under which they count. */
  counts?(): Promise<Map<string, number>>
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds))
}

function send({placeOf}: World, {from, host, path = '/', headers = {}}: Request): Promise<Observed> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    const options = {...placeOf(from), path, headers: {host, ...headers}, timeout: timeoutMilliseconds, agent: false}
    const asked = get(options, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => {
        const isOurs = response.headers['content-type'] === 'application/json'
        resolve({
          status: response.statusCode ?? 0,
          ...(isOurs ? {server: (JSON.parse(body) as {server: string}).server} : {}),
          cookies: response.headers['set-cookie'] ?? [],
          milliseconds: Math.round(performance.now() - begun),
        })
      })
    })
    asked.once('error', reject)
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
  })
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

/** Applies what is rendered as the controller does; returns what would be applied once more though nothing changed. */
async function apply(world: World, scenario: Scenario): Promise<string[]> {
  for (const manifest of await rendered(world, scenario)) {
    await world.client.apply(stamped(manifest), {fieldManager, force: true})
  }
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
  const observed: Observed[] = []
  for (const request of requests) observed.push(await send(world, request))
  await pause(stragglerMilliseconds)
  const received = world.seen.map(({server, host}) => ({server, host}))
  const after = await world.counts?.()
  const counted = before && after ? {counted: countedFor(world, scenario, before, after)} : {}
  const returned = mesh.renderReturned(context, await live(world))
  const ours = (await live(world)).filter(({metadata}) => {
    return metadata.labels?.[labels.rollout] !== undefined || users.some(({metadata: {name}}) => name === metadata.name)
  })
  for (const object of ours) await client.delete(refTo(object), {uid: object.metadata.uid ?? ''})
  return {outstanding: left, ...(read ? {read} : {}), observed, received, ...counted, returned}
}
