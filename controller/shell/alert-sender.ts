// Sends what stands in a status's outbox. It never blocks a pass: alerts go out beside it, and the next pass removes what
// was delivered. A crash in between sends one twice; its id lets the receiver tell.

import {alertChannelSpec} from '../../crds/alert-channel.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {apiVersion} from '../../crds/names.ts'
import type {PendingAlert, RolloutStatus} from '../../crds/rollout-status.ts'
import {messageOf} from '../core/alerts.ts'
import type {AlertTarget, Clock, Cluster, Notifier} from '../ports.ts'
import type {Lookup} from './lookup.ts'

/** Attempts are spaced by this much at first, doubled each time, and at most {@link maximumDelayMilliseconds} apart. */
const firstDelayMilliseconds = 1000
const maximumDelayMilliseconds = 5 * 60_000
/** Alerts that are being sent at once, over all Rollouts. */
const maximumUnderWay = 100

export interface AlertSenderOptions {
  notifier: Notifier
  cluster: Cluster
  lookup: Lookup
  clock: Clock
  /** Asks for another pass over a Rollout, `namespace/name`. */
  enqueue(key: string): void
  /** Told of every attempt that failed; the message holds no address. */
  failed(rollout: KubeObject, channel: string, message: string): void
}

interface Delivery {
  attempts: number
  state: 'underWay' | 'waiting' | 'delivered'
}

export class AlertSender {
  readonly #options: AlertSenderOptions
  /** By Rollout uid, then by alert and channel. */
  readonly #deliveries = new Map<string, Map<string, Delivery>>()
  #underWay = 0

  constructor(options: AlertSenderOptions) {
    this.#options = options
  }

  /** Alerts of a Rollout that were delivered and may still stand in its status. */
  delivered(uid: string): {id: string; channel: string}[] {
    const found: {id: string; channel: string}[] = []
    for (const [key, delivery] of this.#deliveries.get(uid) ?? []) {
      const [id = '', channel = ''] = key.split(' ')
      if (delivery.state === 'delivered') found.push({id, channel})
    }
    return found
  }

  /** Starts to send whatever stands in the outbox and isn't on its way. */
  dispatch(rollout: KubeObject, status: RolloutStatus): void {
    const uid = rollout.metadata.uid ?? ''
    const pending = new Set(
      (status.alerts ?? []).flatMap(alert => alert.channels.map(channel => `${alert.id} ${channel}`)),
    )
    const known = this.#deliveries.get(uid) ?? new Map<string, Delivery>()
    for (const key of known.keys()) if (!pending.has(key)) known.delete(key)
    if (pending.size === 0) {
      this.#deliveries.delete(uid)
      return
    }
    this.#deliveries.set(uid, known)
    for (const alert of status.alerts ?? []) {
      for (const channel of alert.channels) this.#start(rollout, alert, channel, known)
    }
  }

  #start(rollout: KubeObject, alert: PendingAlert, channel: string, known: Map<string, Delivery>): void {
    const key = `${alert.id} ${channel}`
    const delivery = known.get(key) ?? {attempts: 0, state: 'waiting'}
    if ((known.has(key) && delivery.attempts > 0) || this.#underWay >= maximumUnderWay) return
    known.set(key, delivery)
    void this.#attempt(rollout, alert, channel, delivery)
  }

  async #attempt(rollout: KubeObject, alert: PendingAlert, channel: string, delivery: Delivery): Promise<void> {
    const {notifier, clock, enqueue, failed} = this.#options
    const {namespace = '', name} = rollout.metadata
    delivery.attempts++
    delivery.state = 'underWay'
    this.#underWay++
    try {
      await notifier.send(messageOf(alert), await this.#targetOf(namespace, channel))
      delivery.state = 'delivered'
      enqueue(`${namespace}/${name}`)
    } catch (error) {
      delivery.state = 'waiting'
      failed(rollout, channel, error instanceof Error ? error.message : 'unknown error')
      const delay = Math.min(maximumDelayMilliseconds, firstDelayMilliseconds * 2 ** (delivery.attempts - 1))
      clock.after(delay, () => {
        const still = this.#deliveries.get(rollout.metadata.uid ?? '')?.get(`${alert.id} ${channel}`)
        if (still === delivery) void this.#attempt(rollout, alert, channel, delivery)
      })
    } finally {
      this.#underWay--
    }
  }

  /** @throws Error that names the channel's field and the fix. */
  async #targetOf(namespace: string, name: string): Promise<AlertTarget> {
    const {lookup, cluster} = this.#options
    const object = lookup.get({apiVersion, kind: 'AlertChannel', namespace, name})
    if (!object)
      throw new Error(`AlertChannel ${namespace}/${name} does not exist: create it, or remove it from spec.alerts`)
    const parsed = alertChannelSpec.safeParse(object.spec)
    const channel = parsed.data?.webhook ?? parsed.data?.slack
    if (!parsed.success || !channel)
      throw new Error(`AlertChannel ${namespace}/${name}: set exactly one of spec.webhook and spec.slack`)
    const type = parsed.data.webhook ? 'webhook' : 'slack'
    const where = parsed.data.slack?.channel
    const url = channel.url ?? (channel.urlFrom && (await readSecretKey(cluster, namespace, channel.urlFrom)))
    if (!url) throw new Error(`AlertChannel ${namespace}/${name}: set spec.${type}.url or spec.${type}.urlFrom`)
    return {type, url, ...(where ? {channel: where} : {})}
  }
}

async function readSecretKey(cluster: Cluster, namespace: string, from: {name: string; key: string}): Promise<string> {
  const secret = await cluster.get({apiVersion: 'v1', kind: 'Secret', namespace, name: from.name})
  const value: unknown = secret?.data?.[from.key]
  if (typeof value !== 'string')
    throw new Error(`Secret ${namespace}/${from.name} has no key ${from.key}: add it, or correct urlFrom`)
  return Buffer.from(value, 'base64').toString('utf8').trim()
}
