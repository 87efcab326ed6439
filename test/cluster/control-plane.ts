// A real control plane on loopback, with certificates and RBAC, torn down whole: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler, and kwok as the one node's kubelet.
import {execFileSync} from 'node:child_process'
import {generateKeyPairSync} from 'node:crypto'
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs'
import {request} from 'node:https'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {freePort} from '../../playground/free-port.ts'
import {type CertificateAuthority, createAuthority} from './certificates.ts'
import {type PartName, part} from './parts.ts'
import {type RunningProcess, startProcess, untilUp} from './process.ts'

export interface ControlPlaneOptions {
  /** Play the kubelet with kwok (default), or leave pods to the test. */
  kubelet?: 'kwok' | 'none'
  /** Write every request to `auditFile`, by verb, user and resource. */
  audit?: boolean
  /** Further flags of the API server. */
  apiServerFlags?: readonly string[]
}

export interface ControlPlane {
  readonly url: string
  /** Holds logs, certificates and kubeconfigs; removed on `stop`. */
  readonly folder: string
  /** Path of a kubeconfig of a cluster administrator. */
  readonly kubeconfig: string
  /** One JSON object of kind `audit.k8s.io/v1 Event` per line, when asked for. */
  readonly auditFile: string
  readonly authority: CertificateAuthority
  /** Writes a kubeconfig for a user by client certificate, and returns its path. */
  kubeconfigFor(user: string, groups?: readonly string[]): string
  /** Writes a kubeconfig for a bearer token, such as a ServiceAccount's, and returns its path. */
  kubeconfigWithToken(name: string, token: string): string
  stopApiServer(signal?: NodeJS.Signals): Promise<void>
  startApiServer(): Promise<void>
  stop(): Promise<void>
}

const upMilliseconds = 150_000
const clusterIpRange = '10.96.0.0/16'
const stages = fileURLToPath(new URL('kubelet-stages.yaml', import.meta.url))

/** Metadata alone says who asked for what; bodies, and what the cluster's own parts ask, would only make the log long. */
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    users: ['system:apiserver', 'system:kube-controller-manager', 'system:kube-scheduler', kwok, lane-admin, lane-probe]
  - level: Metadata
`

/** Starts everything and waits until pods can be made. @throws Error with the log's end when a part doesn't come up */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const plane = new LocalControlPlane(options)
  try {
    await plane.start()
    return plane
  } catch (error) {
    await plane.stop()
    throw error
  }
}

class LocalControlPlane implements ControlPlane {
  readonly folder = mkdtempSync(join(tmpdir(), 'fairlead-cluster-'))
  readonly authority = createAuthority(this.folder)
  readonly auditFile = join(this.folder, 'audit.log')
  url = ''
  kubeconfig = ''
  private readonly options: ControlPlaneOptions
  /** In the order in which they were started. */
  private readonly running = new Map<string, RunningProcess>()
  private apiServerArguments: string[] = []
  private agent: {ca: Buffer; cert: Buffer; key: Buffer} | undefined

  constructor(options: ControlPlaneOptions) {
    this.options = options
  }

  async start(): Promise<void> {
    const [etcdPort, peerPort, apiPort] = [await freePort(), await freePort(), await freePort()]
    this.url = `https://127.0.0.1:${apiPort}`
    this.writeKeys()
    this.apiServerArguments = this.apiServerFlags(etcdPort, apiPort)
    this.run('etcd', etcdFlags(this.folder, etcdPort, peerPort))
    await this.startApiServer()
    this.kubeconfig = this.kubeconfigFor('lane-admin', ['system:masters'])
    const controllers = this.kubeconfigFor('system:kube-controller-manager')
    this.run('kube-controller-manager', controllerManagerFlags(this.folder, controllers, this.authority.certificate))
    this.run('kube-scheduler', [
      ...['--kubeconfig', this.kubeconfigFor('system:kube-scheduler')],
      ...['--leader-elect=false', '--secure-port=0', '--kube-api-qps=500', '--kube-api-burst=1000'],
    ])
    await this.untilServiceAccounts()
    if (this.options.kubelet !== 'none') await this.startKubelet()
  }

  private run(name: PartName, args: readonly string[]): RunningProcess {
    const running = startProcess(part(name), args, {logFile: join(this.folder, `${name}.log`), cwd: this.folder})
    this.running.set(name, running)
    return running
  }

  private writeKeys(): void {
    const {privateKey, publicKey} = generateKeyPairSync('rsa', {modulusLength: 2048})
    writeFileSync(join(this.folder, 'sa.key'), privateKey.export({type: 'pkcs8', format: 'pem'}), {mode: 0o600})
    writeFileSync(join(this.folder, 'sa.pub'), publicKey.export({type: 'spki', format: 'pem'}))
    writeFileSync(join(this.folder, 'audit-policy.yaml'), auditPolicy)
    const probe = this.authority.client('probe', 'lane-probe', ['system:masters'])
    this.agent = {
      ca: readFileSync(this.authority.certificate),
      cert: readFileSync(probe.certificate),
      key: readFileSync(probe.key),
    }
  }

  private apiServerFlags(etcdPort: number, apiPort: number): string[] {
    const names = ['IP:127.0.0.1', 'DNS:localhost', 'DNS:kubernetes.default.svc']
    const serving = this.authority.server('kube-apiserver', names)
    const aggregation = this.authority.client('front-proxy', 'front-proxy-client', [])
    const audit = [
      `--audit-policy-file=${join(this.folder, 'audit-policy.yaml')}`,
      `--audit-log-path=${this.auditFile}`,
      '--audit-log-maxsize=2000',
      '--audit-log-mode=blocking',
    ]
    return [
      `--etcd-servers=http://127.0.0.1:${etcdPort}`,
      ...['--bind-address=127.0.0.1', '--advertise-address=127.0.0.1', `--secure-port=${apiPort}`],
      ...[`--tls-cert-file=${serving.certificate}`, `--tls-private-key-file=${serving.key}`],
      `--client-ca-file=${this.authority.certificate}`,
      `--requestheader-client-ca-file=${this.authority.certificate}`,
      ...['--requestheader-allowed-names=front-proxy-client', '--requestheader-username-headers=X-Remote-User'],
      ...['--requestheader-group-headers=X-Remote-Group', '--requestheader-extra-headers-prefix=X-Remote-Extra-'],
      ...[`--proxy-client-cert-file=${aggregation.certificate}`, `--proxy-client-key-file=${aggregation.key}`],
      `--service-account-key-file=${join(this.folder, 'sa.pub')}`,
      `--service-account-signing-key-file=${join(this.folder, 'sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      ...[`--service-cluster-ip-range=${clusterIpRange}`, '--authorization-mode=Node,RBAC'],
      // Between two lanes nothing may be left of the watch cache's start.
      ...['--profiling=false', '--shutdown-delay-duration=0s'],
      ...(this.options.audit ? audit : []),
      ...(this.options.apiServerFlags ?? []),
    ]
  }

  async startApiServer(): Promise<void> {
    const running = this.run('kube-apiserver', this.apiServerArguments)
    await untilUp('kube-apiserver', running, async () => (await this.probe('/readyz')) === 200, upMilliseconds)
  }

  async stopApiServer(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.running.get('kube-apiserver')?.stop(signal)
  }

  /** Pods are refused until their ServiceAccount exists, which the controller manager makes. */
  private async untilServiceAccounts(): Promise<void> {
    const running = this.running.get('kube-controller-manager') as RunningProcess
    const path = '/api/v1/namespaces/default/serviceaccounts/default'
    await untilUp('kube-controller-manager', running, async () => (await this.probe(path)) === 200, upMilliseconds)
  }

  private async startKubelet(): Promise<void> {
    const node = join(this.folder, 'node.yaml')
    // A YAML document that kubectl reads; kwok fills in the status.
    writeFileSync(
      node,
      'apiVersion: v1\nkind: Node\nmetadata:\n  name: node-0\n  labels: {kubernetes.io/hostname: node-0}\n',
    )
    execFileSync('kubectl', ['--kubeconfig', this.kubeconfig, 'apply', '-f', node], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const running = this.run('kwok', [
      ...['--kubeconfig', this.kubeconfigFor('kwok', ['system:masters'])],
      ...['--manage-all-nodes', '--config', stages, '--cidr', '10.0.0.0/8', '--node-ip', '127.0.0.1'],
      '--node-lease-duration-seconds=40',
    ])
    const ready = async () =>
      /"Ready","status":"True"|"status":"True"[^}]*"type":"Ready"/.test(await this.read('/api/v1/nodes/node-0'))
    await untilUp('kwok', running, ready, upMilliseconds)
  }

  private read(path: string): Promise<string> {
    return this.ask(path).then(answer => answer.body)
  }

  private probe(path: string): Promise<number> {
    return this.ask(path).then(answer => answer.status)
  }

  private ask(path: string): Promise<{status: number; body: string}> {
    return new Promise((resolve, reject) => {
      const asked = request(`${this.url}${path}`, {...this.agent, agent: false, timeout: 5000}, response => {
        let body = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
        })
        response.on('end', () => resolve({status: response.statusCode ?? 0, body}))
      })
      asked.once('error', reject)
      asked.once('timeout', () => asked.destroy(new Error('no answer within 5 s')))
      asked.end()
    })
  }

  kubeconfigFor(user: string, groups: readonly string[] = []): string {
    const name = `user-${user.replace(/[^a-zA-Z0-9.-]/g, '-')}`
    const {certificate, key} = this.authority.client(name, user, groups)
    return this.writeKubeconfig(name, {'client-certificate': certificate, 'client-key': key})
  }

  kubeconfigWithToken(name: string, token: string): string {
    return this.writeKubeconfig(`token-${name}`, {token})
  }

  private writeKubeconfig(name: string, user: object): string {
    const file = join(this.folder, `${name}.kubeconfig`)
    const cluster = {server: this.url, 'certificate-authority': this.authority.certificate}
    const document = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{name: 'lane', cluster}],
      users: [{name, user}],
      contexts: [{name: 'lane', context: {cluster: 'lane', user: name, namespace: 'default'}}],
      'current-context': 'lane',
    }
    writeFileSync(file, JSON.stringify(document), {mode: 0o600})
    return file
  }

  async stop(): Promise<void> {
    for (const running of [...this.running.values()].reverse()) await running.stop('SIGKILL')
    rmSync(this.folder, {recursive: true, force: true})
  }
}

function etcdFlags(folder: string, clientPort: number, peerPort: number): string[] {
  const [client, peer] = [`http://127.0.0.1:${clientPort}`, `http://127.0.0.1:${peerPort}`]
  return [
    ...['--name=lane', `--data-dir=${join(folder, 'etcd')}`, `--initial-cluster=lane=${peer}`],
    ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
    ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`],
    // Nothing has to survive this machine, and its disk is slow.
    '--unsafe-no-fsync',
  ]
}

function controllerManagerFlags(folder: string, kubeconfig: string, authority: string): string[] {
  return [
    ...['--kubeconfig', kubeconfig, '--leader-elect=false', '--bind-address=127.0.0.1', '--secure-port=0'],
    ...[`--service-account-private-key-file=${join(folder, 'sa.key')}`, `--root-ca-file=${authority}`],
    // Each controller acts as a ServiceAccount of its own, as on a real cluster: admission policies see that.
    '--use-service-account-credentials',
    ...['--kube-api-qps=500', '--kube-api-burst=1000', '--horizontal-pod-autoscaler-sync-period=2s'],
    ...['--concurrent-deployment-syncs=20', '--concurrent-replicaset-syncs=20', '--concurrent-namespace-syncs=20'],
  ]
}
