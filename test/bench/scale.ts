// Scale and thrift on a real control plane: what idle Rollouts, releases and foreign Secrets cost. It prints its tables and
// writes them into docs/benchmarks.md; --quick stops at 100 Rollouts and 10 releases, and writes nothing.
import {cpus, totalmem} from 'node:os'
import {type ControlPlane, startControlPlane} from '../cluster/control-plane.ts'
import {type Controller, startController} from '../cluster/controller.ts'
import {installCrds} from '../cluster/install-crds.ts'
import {kubectlFor} from '../cluster/kubectl.ts'
import {type PrometheusServer, startPrometheus} from '../cluster/prometheus/server.ts'
import {startMeshExporter} from '../cluster/release/mesh-exporter.ts'
import {type Request, requestsOf, type Tally, tally} from './scale/audit.ts'
import {type Fleet, namespaceOf, openFleet} from './scale/fleet.ts'
import {type IdleRow, type ReleaseRow, type Results, render, writeDocument} from './scale/report.ts'
import {cpuSeconds, passes, quantileMilliseconds, queueWait, residentMebibytes} from './scale/usage.ts'

const user = 'fairlead-controller'
const quick = process.argv.includes('--quick')
const sizes = quick ? [10, 100] : [10, 100, 1000]
const releasing = quick ? 10 : 100
const idleSeconds = 60
/** After a start or a release: until garbage is collected and nothing is left to do. */
const restSeconds = 15
/** No pass for so long means that a start is over; the longest start that is waited for. */
const quietSeconds = 10
const maximumStartSeconds = 240
const adoptionSeconds = 900
const releaseSeconds = 900
const secrets = {count: quick ? 1000 : 5000, bytes: 10_000, repetitions: 2}

interface Parts {
  plane: ControlPlane
  prometheus: PrometheusServer
  fleet: Fleet
  /** The controller's. */
  kubeconfig: string
}

/** One controller after the other, on one control plane. */
class Benchmark {
  readonly #parts: Parts
  #controller: Controller | undefined

  constructor(parts: Parts) {
    this.#parts = parts
  }

  async close(): Promise<void> {
    await this.#controller?.stop('SIGKILL')
  }

  async measure(): Promise<Results> {
    const idle: IdleRow[] = []
    const releases: ReleaseRow[] = []
    for (const size of sizes) {
      say(`${size} Rollouts`)
      this.#controller ??= await this.#start()
      await this.#parts.fleet.grow(size)
      const adoptedIn = await this.#parts.fleet.healthy(size, undefined, adoptionSeconds)
      idle.push({...(await this.#restartAndIdle(size)), adoptedSeconds: adoptedIn / 1000})
      if (size === sizes[0]) releases.push(await this.#release(1, '2'))
      if (size === sizes[1]) releases.push(await this.#release(releasing, '3'))
    }
    return {
      machine: await machine(this.#parts.plane.kubeconfig),
      idle,
      releases,
      largestStatusBytes: await this.#parts.fleet.largestStatus(),
      secrets: {...secrets, ...(await this.#secretsMemory())},
    }
  }

  #start(flags: readonly string[] = []): Promise<Controller> {
    const {kubeconfig, prometheus} = this.#parts
    const election = ['--leader-election', 'on', '--leader-election-namespace', 'kube-system']
    return startController({kubeconfig, prometheus: prometheus.address, flags: [...election, ...flags]})
  }

  /** Ends the controller and starts it; returns it with the time until its first pass has begun. */
  async #restart(flags: readonly string[] = []): Promise<{fresh: Controller; firstPassMilliseconds: number}> {
    await this.#controller?.stop('SIGTERM')
    const startedAt = performance.now()
    const fresh = await this.#start(flags)
    this.#controller = fresh
    for (;;) {
      const buckets = await queueWait(fresh.port).catch(() => undefined)
      if (buckets && passes(buckets) > 0) return {fresh, firstPassMilliseconds: performance.now() - startedAt}
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }

  async #restartAndIdle(size: number): Promise<Omit<IdleRow, 'adoptedSeconds'>> {
    const {fresh, firstPassMilliseconds} = await this.#restart()
    await untilQuiet(fresh.port)
    await this.#parts.fleet.healthy(size, undefined, adoptionSeconds)
    const waits = await queueWait(fresh.port)
    const startWait = (share: number) => quantileMilliseconds(new Map(), waits, share)
    const {pid} = fresh.process
    const [from, cpuBefore] = [Date.now(), cpuSeconds(pid)]
    await seconds(idleSeconds)
    const counted = tally(requestsOf(this.#parts.plane.auditFile, user, from, Date.now()))
    return {
      rollouts: size,
      firstPassMilliseconds,
      requestsPerMinute: (counted.requests * 60) / idleSeconds,
      watchesPerMinute: (counted.watches * 60) / idleSeconds,
      leasePerMinute: (counted.lease * 60) / idleSeconds,
      cpuSecondsPerMinute: ((cpuSeconds(pid) - cpuBefore) * 60) / idleSeconds,
      residentMebibytes: residentMebibytes(pid),
      startWaitMilliseconds: [startWait(0.5), startWait(0.99)],
    }
  }

  /** A release of so many Rollouts at once, from the merge until all are healthy on the new version. */
  async #release(count: number, version: string): Promise<ReleaseRow> {
    say(`${count} in a release`)
    const running = this.#controller
    if (!running) throw new Error('no controller runs')
    const {pid} = running.process
    const [from, cpuBefore, waitsBefore] = [Date.now(), cpuSeconds(pid), await queueWait(running.port)]
    let peak = 0
    const watch = setInterval(() => {
      peak = Math.max(peak, residentMebibytes(pid))
    }, 500)
    const took = await this.#parts.fleet
      .release(count, version)
      .then(() => this.#parts.fleet.healthy(count, version, releaseSeconds))
      .finally(() => clearInterval(watch))
    // The scaling down of the old slot and the last events belong to it.
    await seconds(restSeconds)
    const requests = requestsOf(this.#parts.plane.auditFile, user, from, Date.now())
    const waits = await queueWait(running.port)
    return {
      releases: count,
      seconds: took / 1000,
      ...worstAndMean(requests, count),
      cpuSecondsPerRelease: (cpuSeconds(pid) - cpuBefore) / count,
      peakMebibytes: peak,
      waitMilliseconds: [quantileMilliseconds(waitsBefore, waits, 0.5), quantileMilliseconds(waitsBefore, waits, 0.99)],
    }
  }

  /** Resident memory after a start, without and with the foreign Secrets; the controller follows them all by metadata. */
  async #secretsMemory(): Promise<{withoutMebibytes: number[]; withMebibytes: number[]}> {
    say(`${secrets.count} foreign Secrets`)
    const flags = ['--secret-namespaces', 'foreign']
    const look = async () => {
      const {fresh} = await this.#restart(flags)
      await untilQuiet(fresh.port)
      return residentMebibytes(fresh.process.pid)
    }
    const repeat = async () => {
      const found: number[] = []
      for (let run = 0; run < secrets.repetitions; run++) found.push(await look())
      return found
    }
    const withoutMebibytes = await repeat()
    await this.#parts.fleet.foreignSecrets(secrets.count, secrets.bytes)
    return {withoutMebibytes, withMebibytes: await repeat()}
  }
}

function say(text: string): void {
  process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`)
}

function seconds(count: number): Promise<unknown> {
  return new Promise(resolve => setTimeout(resolve, count * 1000))
}

/** Waits until a start is over: each Rollout's first pass costs a request, and the controller limits its own rate. */
async function untilQuiet(port: number): Promise<void> {
  const deadline = performance.now() + maximumStartSeconds * 1000
  let [seen, since] = [-1, performance.now()]
  while (performance.now() < deadline && performance.now() - since < quietSeconds * 1000) {
    await seconds(1)
    const now = passes(await queueWait(port))
    if (now !== seen) [seen, since] = [now, performance.now()]
  }
  await seconds(restSeconds)
}

function worstAndMean(requests: readonly Request[], count: number): Pick<ReleaseRow, 'mean' | 'most' | 'kinds'> {
  const each = Array.from({length: count}, (_, index) =>
    tally(requests.filter(({namespace}) => namespace === namespaceOf(index))),
  )
  const all = tally(requests.filter(({namespace}) => namespace.startsWith('bench-')))
  const most = (of: (one: Tally) => number) => Math.max(...each.map(of))
  return {
    mean: {requests: all.requests / count, writes: all.writes / count, events: all.events / count},
    most: {requests: most(one => one.requests), writes: most(one => one.writes), events: most(one => one.events)},
    kinds: all.kinds.map(([kind, total]) => [kind, total / count]),
  }
}

async function machine(kubeconfig: string): Promise<string> {
  const {serverVersion} = JSON.parse(await kubectlFor(kubeconfig)('version', '-o', 'json'))
  const memory = Math.round(totalmem() / 1024 ** 3)
  return `${cpus().length} cores (shared with other work), ${memory} GiB, Node ${process.versions.node}, Kubernetes ${serverVersion.gitVersion}`
}

const plane = await startControlPlane({audit: true})
const exporter = await startMeshExporter()
const prometheus = await startPrometheus({targets: [exporter.target], scrapeIntervalMilliseconds: 1000})
installCrds(plane.kubeconfig)
const kubeconfig = plane.kubeconfigFor(user, ['system:masters'])
const fleet = openFleet(plane.kubeconfig, exporter)
const benchmark = new Benchmark({plane, prometheus, fleet, kubeconfig})
try {
  const results = await benchmark.measure()
  process.stdout.write(`${render(results)}\n`)
  if (!quick) writeDocument(results)
} finally {
  await benchmark.close()
  await fleet.close()
  await prometheus.stop()
  await exporter.close()
  await plane.stop()
}
