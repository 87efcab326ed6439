// What a kubelet does with a pod's container: a real HTTP server at the pod's address, that is probed before the pod is
// ready and is gone with the pod. kwok does the rest, for pods with `test.fairlead.dev/readiness: probed`.
import {createServer, type Server} from 'node:http'
import {ClusterError} from '../../../controller/ports.ts'
import type {KubeClient} from '../../../controller/shell/kube-client.ts'
import type {KubeObject} from '../../../crds/meta.ts'
import {labels} from '../../../crds/names.ts'
import {type TargetOptions, target} from '../release/fixture.ts'
import type {History} from '../release/history.ts'

/** How a pod answers, as JSON. */
export interface Answer {
  /** Slot of the pod that answered; empty for one of the target's own. */
  slot: string
  /** Slot that the gateway chose, as its header says. */
  chosen: string
  image: string
}

export interface PodServers {
  /** From now on every pod of an image answers with status 500. */
  breakImage(image: string): void
  /** The first thing that went wrong, if any. */
  failure(): Error | undefined
}

/** The target of the fixture with pods that are probed; Envoy Gateway itself has port 8080 of its network. */
export function probedTarget(options: TargetOptions = {}): KubeObject {
  const object = target(options)
  const template = object.spec?.template
  template.metadata.annotations = {'test.fairlead.dev/readiness': 'probed'}
  template.spec.containers[0].ports = [{name: 'http', containerPort: 9000}]
  return object
}

/** Follows the pods of one namespace. */
export function startPodServers(history: History, client: KubeClient, namespace: string): PodServers {
  const servers = new Map<string, Server>()
  const broken = new Set<string>()
  let failed: Error | undefined
  const remove = (uid: string) => {
    const server = servers.get(uid)
    servers.delete(uid)
    server?.close()
    server?.closeAllConnections()
  }
  history.onChange(({type, object}) => {
    const uid = object.metadata.uid ?? ''
    if (object.kind !== 'Pod' || object.metadata.namespace !== namespace) return
    if (type === 'DELETED') return remove(uid)
    if (servers.has(uid) || !object.status?.podIP || object.metadata.deletionTimestamp) return
    const server = serverOf(object, broken)
    servers.set(uid, server)
    run(server, object, client).catch(error => {
      failed ??= error
    })
  })
  return {
    breakImage: image => void broken.add(image),
    failure: () => failed,
  }
}

function serverOf(pod: KubeObject, broken: ReadonlySet<string>): Server {
  const slot = pod.metadata.labels?.[labels.slot] ?? ''
  const image: string = pod.spec?.containers[0].image
  const server = createServer((request, response) => {
    const answer: Answer = {slot, chosen: String(request.headers['fairlead-slot'] ?? ''), image}
    const body = JSON.stringify(answer)
    response.writeHead(broken.has(image) ? 500 : 200, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })
  // A proxy keeps connections for later: a server that hangs up on idle ones makes requests fail that nobody can save.
  server.keepAliveTimeout = 0
  return server
}

/** Listens, probes it once as a kubelet does, and says that the pod is ready. */
async function run(server: Server, pod: KubeObject, client: KubeClient): Promise<void> {
  const host: string = pod.status?.podIP
  const port: number = pod.spec?.containers[0].ports[0].containerPort
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  await (await fetch(`http://${host}:${port}/`)).text()
  await sayReady(pod, client)
}

async function sayReady(pod: KubeObject, client: KubeClient): Promise<void> {
  const {apiVersion, kind, metadata} = pod
  const ref = {apiVersion, kind, name: metadata.name, namespace: metadata.namespace ?? ''}
  for (;;) {
    const live = await client.get(ref)
    if (live === undefined || live.metadata.uid !== metadata.uid) return
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    const ready = ['Initialized', 'PodReadyToStartContainers', 'ContainersReady', 'Ready']
    const conditions = ready.map(type => ({type, status: 'True', lastTransitionTime}))
    const others = live.status?.conditions.filter((one: {type: string}) => !ready.includes(one.type))
    const containerStatuses = live.status?.containerStatuses.map((one: {image: string}) => ({
      ...one,
      ready: true,
      imageID: one.image,
    }))
    const status = {...live.status, conditions: [...others, ...conditions], containerStatuses}
    try {
      await client.updateStatus({...live, status})
      return
    } catch (error) {
      if (!(error instanceof ClusterError) || ![404, 409].includes(error.status)) throw error
    }
  }
}
