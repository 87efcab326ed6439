// The resource metrics API (metrics.k8s.io), as metrics-server serves it: an aggregated API whose figures a test sets, so
// that the real HorizontalPodAutoscaler controller has something to go by.
import {readFileSync} from 'node:fs'
import {createServer} from 'node:https'
import type {KubeClient} from '../../controller/shell/kube-client.ts'
import type {ControlPlane} from './control-plane.ts'
import type {Kubectl} from './kubectl.ts'

const group = 'metrics.k8s.io'
const version = 'v1beta1'
const groupVersion = `${group}/${version}`

export interface MetricsApi {
  /** Sets the memory that each pod of a namespace uses, in MiB. */
  use(namespace: string, mebibytesPerPod: number): void
  close(): Promise<void>
}

/** Serves the API and registers it; resolves once the API server finds it available. */
export async function startMetricsApi(plane: ControlPlane, client: KubeClient, kubectl: Kubectl): Promise<MetricsApi> {
  const used = new Map<string, number>()
  const pair = plane.authority.server('metrics-api', ['DNS:localhost', 'IP:127.0.0.1'])
  const options = {cert: readFileSync(pair.certificate), key: readFileSync(pair.key)}
  const server = createServer(options, (request, response) => {
    const url = new URL(request.url ?? '/', 'https://localhost')
    void answer(url, client, used).then(body => {
      const text = JSON.stringify(body ?? {kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 404})
      response.writeHead(body ? 200 : 404, {'content-type': 'application/json'})
      response.end(text)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the metrics API has no port')
  await register(kubectl, address.port)
  return {
    use: (namespace, mebibytesPerPod) => void used.set(namespace, mebibytesPerPod),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function register(kubectl: Kubectl, port: number): Promise<void> {
  const service = {name: 'metrics-api', namespace: 'kube-system', port}
  // The aggregator sends requests for an ExternalName Service to that name.
  const spec = {type: 'ExternalName', externalName: 'localhost'}
  const apiService = {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: {name: `${version}.${group}`},
    spec: {service, group, version, insecureSkipTLSVerify: true, groupPriorityMinimum: 100, versionPriority: 100},
  }
  const {name, namespace} = service
  await kubectl.stdin(
    [{apiVersion: 'v1', kind: 'Service', metadata: {name, namespace}, spec}, apiService],
    'create',
    '-f',
    '-',
  )
  await kubectl('wait', `apiservice/${version}.${group}`, '--for=condition=Available', '--timeout=150s')
}

async function answer({pathname, searchParams}: URL, client: KubeClient, used: ReadonlyMap<string, number>) {
  const offered = {groupVersion, version}
  if (pathname === '/apis')
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: [{name: group, versions: [offered], preferredVersion: offered}],
    }
  if (pathname === `/apis/${group}`)
    return {kind: 'APIGroup', apiVersion: 'v1', name: group, versions: [offered], preferredVersion: offered}
  if (pathname === `/apis/${groupVersion}`) {
    const pods = {name: 'pods', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list']}
    return {kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: [pods]}
  }
  const namespace = /^\/apis\/metrics\.k8s\.io\/v1beta1\/namespaces\/([^/]+)\/pods$/.exec(pathname)?.[1]
  if (namespace === undefined) return undefined
  const labelSelector = searchParams.get('labelSelector') ?? ''
  const {items} = await client.listVersioned({apiVersion: 'v1', kind: 'Pod', namespace, labelSelector})
  const timestamp = new Date().toISOString()
  const memory = `${used.get(namespace) ?? 0}Mi`
  return {
    kind: 'PodMetricsList',
    apiVersion: groupVersion,
    metadata: {},
    items: items.map(({metadata: {name, labels}}) => ({
      metadata: {name, namespace, labels, creationTimestamp: timestamp},
      timestamp,
      window: '1s',
      containers: [{name: 'app', usage: {cpu: '1m', memory}}],
    })),
  }
}
