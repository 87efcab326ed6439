// Every right of the chart's ServiceAccount is used, and nothing beyond them is asked for: read off the audit log of a
// cluster in which the controller did everything that it can do.
import {execFileSync} from 'node:child_process'
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import {afterAll, beforeAll, expect, test} from 'vitest'
import {leasePermissions, permissions, trackedSecretVerbs} from '../../scripts/chart/rbac.ts'
import {auditEvents} from './audit.ts'
import {type ControlPlane, startControlPlane} from './control-plane.ts'
import type {Controller} from './controller.ts'
import {installCrds, otherCrdPaths} from './install-crds.ts'
import {installChart, startInstalled} from './installation.ts'
import {type Kubectl, kubectlFor} from './kubectl.ts'
import {type PrometheusServer, startPrometheus} from './prometheus/server.ts'
import {image, name, rollout, service, settings, target} from './release/fixture.ts'
import {type MeshExporter, startMeshExporter} from './release/mesh-exporter.ts'

const namespace = 'shop'
const values = {secrets: {trackedNamespaces: [namespace]}}
const account = 'system:serviceaccount:fairlead-system:fairlead'

let plane: ControlPlane
let kubectl: Kubectl
let exporter: MeshExporter
let prometheus: PrometheusServer
let controller: Controller

beforeAll(async () => {
  plane = await startControlPlane({audit: true})
  installCrds(plane.kubeconfig, otherCrdPaths())
  kubectl = kubectlFor(plane.kubeconfig, namespace)
  await kubectl('create', 'namespace', namespace)
  await installChart(plane, 'install', values)
  exporter = await startMeshExporter()
  for (const slot of ['a', 'b']) exporter.set(namespace, `${name}-${slot}`, {requestsPerSecond: 50, failureShare: 0})
  prometheus = await startPrometheus({targets: [exporter.target], scrapeIntervalMilliseconds: 500})
  controller = await startInstalled(plane, prometheus.address, values, ['--allow-file-repositories'])
}, 120_000)

afterAll(async () => {
  await controller.stop()
  await prometheus.stop()
  await exporter.close()
  await plane.stop()
})

async function until(what: string, holds: () => Promise<boolean>, milliseconds = 60_000): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (!(await holds().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`no ${what}\n${controller.log().slice(-3000)}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}

const get = (object: string, path: string) => kubectl('get', object, '-o', `jsonpath={${path}}`)
const healthy = (rolloutName: string, version: string) => () =>
  get(`rollout/${rolloutName}`, '.status.phase} {.status.primary.image').then(
    text => text === `Healthy ${image(version)}`,
  )

/** A target that uses a volume claim and a tracked Secret, released through Istio with a rate limit. */
async function istioRelease(): Promise<void> {
  const claim = {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {name: 'shared'},
    spec: {accessModes: ['ReadWriteMany'], resources: {requests: {storage: '1Gi'}}, storageClassName: 'none'},
  }
  const deployment = target()
  const pod = deployment.spec?.template.spec
  pod.containers[0].envFrom.push({secretRef: {name: 'database'}})
  // The claim is named and not mounted by the pods that run here: nothing provides volumes.
  deployment.spec = {...deployment.spec, replicas: 0}
  pod.volumes = [{name: 'shared', persistentVolumeClaim: {claimName: 'shared'}}]
  await kubectl('create', 'secret', 'generic', 'database', '--from-literal=password=one')
  await kubectl.stdin([claim, settings('one'), service(), deployment], 'create', '-f', '-')
  // Bound by hand, as a provisioner would.
  await bindClaim()
  // The limit is an object of its own, which is there while the canary is.
  const safeguards = {rateLimit: {requests: 1000}}
  const revision = {settle: '1s', trackSecrets: ['database']}
  await kubectl.stdin(rollout({replicas: 2, revision, safeguards}), 'create', '-f', '-')
  await until('adoption', healthy(name, '1'))
  await kubectl('set', 'image', `deployment/${name}`, `app=${image('2')}`)
  await until('a promotion', healthy(name, '2'))
}

async function bindClaim(): Promise<void> {
  const volume = {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {name: 'shared'},
    spec: {
      capacity: {storage: '1Gi'},
      accessModes: ['ReadWriteMany'],
      storageClassName: 'none',
      nfs: {server: 'files.example.com', path: '/'},
      claimRef: {namespace, name: 'shared'},
    },
  }
  await kubectl.stdin(volume, 'create', '-f', '-')
  await kubectl('wait', 'pvc/shared', '--for=jsonpath={.status.phase}=Bound', '--timeout=150s')
}

/** Somebody edits the route twice: the second event of one kind is counted up. */
async function drift(): Promise<void> {
  const weights = () => get(`virtualservice/${name}`, '.spec.http[0].route[*].weight')
  const before = await weights()
  for (const host of [`${name}-a`, `${name}-b`, `${name}-a`]) {
    const route = [{destination: {host: `${host}.${namespace}.svc.cluster.local`}, weight: 100}]
    const patch = [{op: 'replace', path: '/spec/http/0/route', value: route}]
    await kubectl('patch', 'virtualservice', name, '--type=json', '-p', JSON.stringify(patch))
    await until('repair of the route', async () => (await weights()) === before)
    await new Promise(resolve => setTimeout(resolve, 1500))
  }
}

/** A Rollout behind a Gateway whose controller is played here: it accepts every route. */
async function gatewayRelease(): Promise<void> {
  const listeners = [{name: 'http', port: 80, protocol: 'HTTP'}]
  const metadata = {name: 'web'}
  const deployment = target()
  const other = {
    ...deployment,
    metadata,
    spec: {...deployment.spec, selector: {matchLabels: {app: 'web'}}},
  }
  other.spec.template.metadata.labels = {app: 'web'}
  const gatewayApi = 'gateway.networking.k8s.io/v1'
  // The checks are those of Envoy Gateway's metrics.
  const controllerName = 'gateway.envoyproxy.io/played'
  await kubectl.stdin(
    [
      {apiVersion: gatewayApi, kind: 'GatewayClass', metadata: {name: 'x'}, spec: {controllerName}},
      {apiVersion: gatewayApi, kind: 'Gateway', metadata, spec: {gatewayClassName: 'x', listeners}},
      {...service(), metadata, spec: {selector: {app: 'web'}, ports: [{name: 'http', port: 80, targetPort: 'http'}]}},
      other,
    ],
    ...['create', '-f', '-'],
  )
  const targetRef = {apiVersion: 'apps/v1', kind: 'Deployment', name: 'web'}
  const scaleTargetRef = {apiVersion: 'fairlead.dev/v1alpha1', kind: 'Rollout', name: 'web'}
  const autoscaler = {apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', metadata}
  await kubectl.stdin({...autoscaler, spec: {scaleTargetRef, minReplicas: 2, maxReplicas: 4}}, 'create', '-f', '-')
  const gatewayAPI = {parentRefs: [{name: 'web'}], hosts: ['web.example.com'], settlingTime: '1s'}
  const made = rollout({targetRef, traffic: {gatewayAPI}})
  await kubectl.stdin({...made, metadata}, 'create', '-f', '-')
  await until('a route', async () => (await get('httproute/web', '.metadata.name')) === 'web')
  const observedGeneration = Number(await get('httproute/web', '.metadata.generation'))
  await accept('httproute', 'web', {parentRef: {name: 'web'}, controllerName}, {observedGeneration})
  await until('adoption behind the Gateway', healthy('web', '1'))
}

/** A DaemonSet that is adopted, released and given back: its slots come and go. */
async function daemonSetRelease(): Promise<void> {
  const metadata = {name: 'agent'}
  const own = {app: 'agent'}
  const {spec} = target()
  const template = {...spec.template, metadata: {labels: own}}
  const daemonSet = {apiVersion: 'apps/v1', kind: 'DaemonSet', metadata, spec: {selector: {matchLabels: own}, template}}
  await kubectl.stdin(
    [{...service(), metadata, spec: {...service().spec, selector: own}}, daemonSet],
    'create',
    '-f',
    '-',
  )
  const targetRef = {apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent'}
  const analysis = {checks: []}
  const strategy = {blueGreen: {}}
  const made = rollout({targetRef, analysis, strategy, traffic: {none: {settlingTime: '1s'}}})
  await kubectl.stdin({...made, metadata}, 'create', '-f', '-')
  await until('adoption of a DaemonSet', healthy('agent', '1'))
  await kubectl('set', 'image', 'daemonset/agent', `app=${image('2')}`)
  await until('a promotion of a DaemonSet', healthy('agent', '2'))
  await kubectl('delete', 'rollout', 'agent', '--timeout=150s')
}

/** A Rollout of a gRPC Service behind Linkerd, whose policy controller is played here. */
async function linkerdRelease(): Promise<void> {
  const metadata = {name: 'api'}
  const deployment = target()
  const labelled = {...deployment, metadata, spec: {...deployment.spec, selector: {matchLabels: {app: 'api'}}}}
  labelled.spec.template.metadata.labels = {app: 'api'}
  const ports = [{name: 'api', port: 9090, targetPort: 'http', appProtocol: 'grpc'}]
  const served = {...service(), metadata, spec: {selector: {app: 'api'}, ports}}
  await kubectl.stdin([served, labelled], 'create', '-f', '-')
  const targetRef = {apiVersion: 'apps/v1', kind: 'Deployment', name: 'api'}
  const made = rollout({targetRef, traffic: {linkerd: {settlingTime: '1s'}}})
  await kubectl.stdin({...made, metadata}, 'create', '-f', '-')
  await until('a route', async () => (await get('grpcroute/api', '.metadata.name')) === 'api')
  const parentRef = {group: 'core', kind: 'Service', namespace, name: 'api', port: 9090}
  await accept('grpcroute', 'api', {parentRef, controllerName: 'linkerd.io/policy-controller'}, {})
  await until('adoption behind Linkerd', healthy('api', '1'))
}

/** Says yes to a route as the controller of its parent would. */
async function accept(kind: string, route: string, parent: object, date: {observedGeneration?: number}): Promise<void> {
  const condition = {status: 'True', reason: 'Accepted', message: '', lastTransitionTime: new Date().toISOString()}
  const conditions = ['Accepted', 'ResolvedRefs'].map(type => ({...condition, type, ...date}))
  const patch = JSON.stringify({status: {parents: [{...parent, conditions}]}})
  await kubectl('patch', kind, route, '--subresource=status', '--type=merge', '-p', patch)
}

/** A GitSync of a repository on this machine, which applies a ConfigMap and removes it again. */
async function gitSync(): Promise<void> {
  const folder = join(plane.folder, 'repository')
  mkdirSync(folder)
  const git = (...args: string[]) =>
    execFileSync('git', ['-C', folder, '-c', 'user.name=t', '-c', 'user.email=t@example.com', ...args], {stdio: 'pipe'})
  git('init', '--initial-branch', 'main')
  const synced = {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'synced'}, data: {mode: 'one'}}
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(synced))
  git('add', '.')
  git('commit', '--message', 'first')
  const spec = {url: `file://${folder}`, ref: {branch: 'main'}, path: '.', interval: '1s'}
  const sync = {apiVersion: 'fairlead.dev/v1alpha1', kind: 'GitSync', metadata: {name: 'shop'}, spec}
  await kubectl.stdin(sync, 'create', '-f', '-')
  await until('the synced ConfigMap', async () => (await get('configmap/synced', '.data.mode')) === 'one')
  await kubectl('delete', 'gitsync', 'shop', '--timeout=150s')
}

interface Audited {
  verb: string
  resource: string
  code: number
}

function audited(): Audited[] {
  return auditEvents(plane.auditFile, account).map(({verb, objectRef, responseStatus}) => ({
    verb,
    resource: `${objectRef.apiGroup ?? ''}/${objectRef.resource}${objectRef.subresource ? `/${objectRef.subresource}` : ''}`,
    code: responseStatus?.code ?? 0,
  }))
}

test('every right is used, and none is lacking', async () => {
  await istioRelease()
  await drift()
  await gatewayRelease()
  await linkerdRelease()
  await daemonSetRelease()
  await gitSync()
  await kubectl('delete', 'rollouts', '--all', '--timeout=150s')
  await controller.stop('SIGTERM')
  const used = new Set<string>()
  const requests = audited()
  for (const {verb, resource, code} of requests) {
    if (code >= 400 && code !== 404 && code !== 409) continue
    used.add(`${verb} ${resource}`)
    // A server-side apply that makes the object needs the right to create it, and is logged as a patch.
    if (verb === 'patch' && code === 201) used.add(`create ${resource}`)
  }
  const secrets = {apiGroup: '', resource: 'secrets', verbs: trackedSecretVerbs}
  const granted = [...permissions, ...leasePermissions, secrets].flatMap(({apiGroup, resource, verbs}) =>
    verbs.map(verb => `${verb} ${apiGroup}/${resource}`),
  )
  expect(granted.filter(right => !used.has(right))).toEqual([])
  expect(requests.filter(({code}) => code === 403)).toEqual([])
}, 240_000)
