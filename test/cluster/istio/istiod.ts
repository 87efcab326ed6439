// istiod as a process beside the API server: it translates the objects there for every Envoy that asks.
import {mkdirSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import type {ControlPlane} from '../control-plane.ts'
import {part} from '../parts.ts'
import {type RunningProcess, startProcess, untilUp} from '../process.ts'

/** Where proxies ask, in the lane's own network. */
export const discoveryPort = 15_010
const upMilliseconds = 150_000

/**
 * Filters that are built into Istio's own Envoy alone. They count, and negotiate protocols; none of them routes. Without
 * certificates there is no mutual TLS either.
 */
const without = {PILOT_ENABLE_METADATA_EXCHANGE: 'false', PILOT_ENABLE_ALPN_FILTER: 'false'}

export async function startIstiod(plane: ControlPlane, folder: string): Promise<RunningProcess> {
  const meshConfig = join(folder, 'mesh.yaml')
  // JSON is YAML too.
  writeFileSync(meshConfig, JSON.stringify({enableAutoMtls: false, accessLogFile: '', defaultProviders: {metrics: []}}))
  const cwd = join(folder, 'istiod')
  mkdirSync(cwd, {recursive: true})
  const ports = ['--httpAddr=127.0.0.1:15008', '--httpsAddr=', '--secureGRPCAddr=', '--monitoringAddr=127.0.0.1:15014']
  const running = startProcess(
    part('pilot-discovery'),
    [
      'discovery',
      `--kubeconfig=${plane.kubeconfig}`,
      `--meshConfig=${meshConfig}`,
      `--grpcAddr=127.0.0.1:${discoveryPort}`,
      '--ctrlz_port=15098',
      ...ports,
    ],
    {logFile: join(folder, 'istiod.log'), cwd, env: {...process.env, ...without, POD_NAMESPACE: 'istio-system'}},
  )
  await untilUp('istiod', running, async () => (await fetch('http://127.0.0.1:15008/ready')).ok, upMilliseconds)
  return running
}
