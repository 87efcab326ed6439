// Who acts: this controller alone, or whichever of several holds the Lease. The caches of those that wait stay filled, so
// that a hand-over costs one list.
import {randomUUID} from 'node:crypto'
import {hostname} from 'node:os'
import {apiVersion} from '../../crds/names.ts'
import {type Clock, type Cluster, ClusterError} from '../ports.ts'
import type {Caches} from './caches.ts'
import {sleep} from './clock.ts'
import type {ControllerConfig} from './config.ts'
import type {KubeClient} from './kube-client.ts'
import {fenced, LeaderElection} from './leader-election.ts'
import type {Logger} from './log.ts'
import type {Telemetry} from './telemetry.ts'
import type {WorkQueue} from './work-queue.ts'

export interface LeadershipOptions {
  config: ControllerConfig
  cluster: KubeClient
  clock: Clock
  log: Logger
  telemetry: Telemetry
  caches: Caches
  /** Namespace of the connection. */
  namespace: string
}

export interface Leadership {
  /** The cluster for everything that acts: it refuses writes while another controller may be leading. */
  readonly cluster: Cluster
  /** Lets the queues run whenever this controller acts, once the caches are filled. */
  start(queues: readonly WorkQueue[]): Promise<void>
  /** Nothing acts any more when it resolves, and the lease is given back. */
  stop(): Promise<void>
}

/** Between two looks whether the cache has caught up. */
const freshnessPollMilliseconds = 20
/** A cache that is still behind after this long is not going to catch up by itself: the term ends. */
const freshnessMilliseconds = 10_000

export function createLeadership(options: LeadershipOptions): Leadership {
  return options.config.leaderElection === 'on' ? elected(options) : alone(options)
}

function alone({cluster, telemetry}: LeadershipOptions): Leadership {
  return {
    cluster,
    async start(queues) {
      telemetry.setLeader(true)
      for (const queue of queues) queue.start()
    },
    stop: async () => telemetry.setLeader(false),
  }
}

function elected(options: LeadershipOptions): Leadership {
  const {config, cluster, clock, log, telemetry} = options
  let queues: readonly WorkQueue[] = []
  const election = new LeaderElection({
    cluster,
    watch: cluster,
    clock,
    monotonic: () => performance.now(),
    log,
    namespace: config.leaderElectionNamespace ?? options.namespace,
    name: config.leaderElectionId,
    identity: `${hostname()}_${randomUUID()}`,
    async acquired() {
      await untilFresh(options)
      if (!election.leads()) return
      telemetry.setLeader(true)
      for (const queue of queues) queue.start()
    },
    async lost() {
      telemetry.setLeader(false)
      await Promise.all(queues.map(queue => queue.pause()))
    },
  })
  return {
    cluster: fenced(cluster, () => election.leads()),
    async start(all) {
      queues = all
      election.start()
    },
    stop: () => election.stop(),
  }
}

/**
 * Waits until the cache holds every Rollout as it is now. Each decision starts from a Rollout's status; with the newest
 * one, older views of everything else lead to writes that change nothing, and with an old one to writes of the past.
 * @throws Error when the cache doesn't catch up
 */
async function untilFresh({cluster, caches, clock, config}: LeadershipOptions): Promise<void> {
  const kind = 'Rollout'
  const scope = config.namespace ? {namespace: config.namespace} : {}
  const {items} = await cluster
    .listVersioned({apiVersion, kind, metadataOnly: true, ...scope})
    .catch((error: unknown) => {
      // Rollouts that can't be listed aren't in the cache either: whatever it holds later was listed in this term.
      if (error instanceof ClusterError && (error.status === 403 || error.status === 404)) return {items: []}
      throw error
    })
  const deadline = clock.now() + freshnessMilliseconds
  const behind = () =>
    items.some(({metadata}) => {
      const {resourceVersion = '', name, namespace = ''} = metadata
      const known = caches.get({apiVersion, kind, name, namespace})
      return known?.metadata.resourceVersion !== resourceVersion && !caches.reached(apiVersion, kind, resourceVersion)
    })
  while (behind()) {
    if (clock.now() > deadline) throw new Error('the cache of Rollouts does not catch up with the API server')
    await sleep(clock, freshnessPollMilliseconds)
  }
}
