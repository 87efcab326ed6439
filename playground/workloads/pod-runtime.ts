// One Pod's container: starting, running, crashing, restarting, ending. It knows nothing of the store.
import type {Clock, Random} from '../../controller/ports.ts'
import type {PodBehaviour} from './pod-behaviour.ts'
import {type PodIdentity, type PodServer, startPodServer} from './pod-server.ts'
import type {CompleteWorkloadSettings} from './settings.ts'

interface Parts {
  identity: PodIdentity
  behaviour: PodBehaviour
  settings: CompleteWorkloadSettings
  clock: Clock
  random: Random
  /** Called when something about the container changed. */
  onChange: () => void
  onError: (error: unknown) => void
}

/** What can be seen of a running container. */
interface RunningContainer {
  port: number
  startedAt: number
  /** Time at which the container is ready; infinite when it never will be. */
  readyAt: number
  restartCount: number
  lastCrashAt?: number
}

/** A Pod's container, whose server is started at once and started anew after a crash. */
export class PodRuntime {
  private readonly parts: Parts
  private server: PodServer | undefined
  private startedAt = 0
  private restartCount = 0
  private lastCrashAt: number | undefined
  private state: 'running' | 'draining' | 'closing' | 'closed' = 'running'
  private cancelRestart: () => void = () => {}
  private finishedRequests = 0

  constructor(parts: Parts) {
    this.parts = parts
    void this.start()
  }

  /** The running container; undefined while it starts, and after a crash was noticed. */
  running(): RunningContainer | undefined {
    if (this.server === undefined) return undefined
    const {ready, startupMilliseconds} = this.parts.behaviour
    const readyAt = ready ? this.startedAt + startupMilliseconds : Number.POSITIVE_INFINITY
    const crash = this.lastCrashAt === undefined ? {} : {lastCrashAt: this.lastCrashAt}
    return {port: this.server.port, startedAt: this.startedAt, readyAt, restartCount: this.restartCount, ...crash}
  }

  /** True once the container has ended for good. */
  get closed(): boolean {
    return this.state === 'closed'
  }

  get requests(): number {
    return this.finishedRequests + (this.server?.requests() ?? 0)
  }

  /** Serves on, but asks clients to close their connections. */
  drain(): void {
    if (this.state !== 'running') return
    this.state = 'draining'
    this.cancelRestart()
    this.server?.drain()
  }

  /** Ends once the requests in flight are answered; `onChange` is called then. */
  close(): void {
    if (this.state === 'closing' || this.state === 'closed') return
    this.state = 'closing'
    this.cancelRestart()
    const closing = this.server?.close(this.parts.settings.drainMilliseconds) ?? Promise.resolve()
    void closing.then(() => {
      this.state = 'closed'
      this.parts.onChange()
    })
  }

  /** Ends at once and for good. */
  kill(): void {
    this.state = 'closed'
    this.cancelRestart()
    this.server?.kill()
  }

  /** Crashes: connections are reset at once; some time later that is noticed, and the container is restarted. */
  crash(): void {
    const {server} = this
    if (server === undefined || this.state !== 'running') return
    server.kill()
    this.lastCrashAt = this.parts.clock.now()
    this.cancelRestart()
    this.cancelRestart = this.parts.clock.after(this.parts.settings.crashDetectionMilliseconds, () => {
      this.finishedRequests += server.requests()
      this.server = undefined
      this.restartCount++
      this.parts.onChange()
      void this.start()
    })
  }

  private async start(): Promise<void> {
    const {identity, behaviour, random, clock} = this.parts
    const isReady = () => clock.now() >= (this.running()?.readyAt ?? Number.POSITIVE_INFINITY)
    try {
      const server = await startPodServer({identity, behaviour, random, clock, isReady})
      if (this.state !== 'running') return server.kill()
      this.server = server
      this.startedAt = clock.now()
      this.parts.onChange()
    } catch (error) {
      this.parts.onError(error)
      if (this.state !== 'running') return
      this.cancelRestart = clock.after(this.parts.settings.crashDetectionMilliseconds, () => void this.start())
    }
  }
}
