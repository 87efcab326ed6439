// The real kube-proxy, with nftables, in a network of its own: it leads connections to a Service's address to its endpoints.
import {join} from 'node:path'
import {freePort} from '../../../playground/free-port.ts'
import type {ControlPlane} from '../control-plane.ts'
import {part} from '../parts.ts'
import {type RunningProcess, startProcess, untilUp} from '../process.ts'

const upMilliseconds = 150_000

/** Nothing of the kernel's limits is to be changed. */
const untouched = ['--conntrack-max-per-core=0', '--conntrack-min=0', '--conntrack-tcp-timeout-established=0s']

export async function startKubeProxy(plane: ControlPlane, folder: string): Promise<RunningProcess> {
  const health = `127.0.0.1:${await freePort()}`
  const running = startProcess(
    part('kube-proxy'),
    [
      `--kubeconfig=${plane.kubeconfig}`,
      ...['--proxy-mode=nftables', '--hostname-override=node-0', '--cluster-cidr=10.0.0.0/8'],
      ...[`--healthz-bind-address=${health}`, `--metrics-bind-address=127.0.0.1:${await freePort()}`],
      ...untouched,
    ],
    {logFile: join(folder, 'kube-proxy.log')},
  )
  await untilUp('kube-proxy', running, async () => (await fetch(`http://${health}/healthz`)).ok, upMilliseconds)
  return running
}
