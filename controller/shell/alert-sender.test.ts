import {expect, test} from 'vitest'
import type {KubeObject} from '../../crds/meta.ts'
import type {PendingAlert} from '../../crds/rollout-status.ts'
import type {AlertMessage, AlertTarget, Cluster} from '../ports.ts'
import {AlertSender} from './alert-sender.ts'

const rollout: KubeObject = {
  apiVersion: 'fairlead.dev/v1alpha1',
  kind: 'Rollout',
  metadata: {name: 'web', namespace: 'shop', uid: 'u'},
}
const alert: PendingAlert = {
  id: 'u/1/RolledBack',
  event: 'RolledBack',
  severity: 'error',
  title: 't',
  text: 'x',
  fields: {},
  createdAt: '2026-01-01T00:00:00Z',
  channels: ['on-call'],
}

interface World {
  sender: AlertSender
  sent: [AlertMessage, AlertTarget][]
  failures: string[]
  enqueued: string[]
  /** Runs the delayed attempts that are due next. */
  later(): void
}

/** @param refusals number of attempts that the receiver refuses first. */
function world(refusals: number, channel: object = {webhook: {url: 'http://127.0.0.1:1/'}}): World {
  const sent: [AlertMessage, AlertTarget][] = []
  const failures: string[] = []
  const enqueued: string[] = []
  const delayed: (() => void)[] = []
  let left = refusals
  const send = async (message: AlertMessage, target: AlertTarget) => {
    if (left-- > 0) throw new Error('HTTP 503')
    sent.push([message, target])
  }
  const secret: KubeObject = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {name: 's'},
    data: {url: Buffer.from('http://127.0.0.1:2/hook\n').toString('base64')},
  }
  const after = (_: number, callback: () => void) => {
    delayed.push(callback)
    return () => {}
  }
  const sender = new AlertSender({
    notifier: {send},
    cluster: {get: async () => secret} as unknown as Cluster,
    lookup: {
      get: () => ({...rollout, kind: 'AlertChannel', spec: channel}),
      list: () => [],
      meshObjects: () => [],
      missing: () => false,
      forbidden: () => undefined,
      reached: () => true,
    },
    clock: {now: () => 0, after},
    enqueue: key => enqueued.push(key),
    failed: (_, name, message) => failures.push(`${name}: ${message}`),
  })
  return {sender, sent, failures, enqueued, later: () => delayed.splice(0).forEach(callback => callback())}
}

const settle = () => new Promise(resolve => setTimeout(resolve, 5))

test('an alert is sent once, however many passes see it, and the pass that removes it is asked for', async () => {
  const {sender, sent, enqueued} = world(0)
  for (let pass = 0; pass < 3; pass++) sender.dispatch(rollout, {alerts: [alert]})
  await settle()
  sender.dispatch(rollout, {alerts: [alert]})
  await settle()
  expect(sent.map(([message]) => message.id)).toEqual([alert.id])
  expect(enqueued).toEqual(['shop/web'])
  expect(sender.delivered('u')).toEqual([{id: alert.id, channel: 'on-call'}])
  sender.dispatch(rollout, {})
  expect(sender.delivered('u')).toEqual([])
})

test('a refused alert is tried again with the same id; a restart sends what still stands there', async () => {
  const {sender, sent, failures, later} = world(1)
  sender.dispatch(rollout, {alerts: [alert]})
  await settle()
  expect([sent.length, failures]).toEqual([0, ['on-call: HTTP 503']])
  later()
  await settle()
  expect(sent.map(([message]) => message.id)).toEqual([alert.id])
  const restarted = world(0)
  restarted.sender.dispatch(rollout, {alerts: [alert]})
  await settle()
  expect(restarted.sent.map(([message]) => message.id)).toEqual([alert.id])
})

test('the address may come from a Secret', async () => {
  const {sender, sent} = world(0, {slack: {urlFrom: {name: 's', key: 'url'}, channel: '#ops'}})
  sender.dispatch(rollout, {alerts: [alert]})
  await settle()
  expect(sent[0]?.[1]).toEqual({type: 'slack', url: 'http://127.0.0.1:2/hook', channel: '#ops'})
})

test('a channel that is no channel is named with the fix', async () => {
  const {sender, failures} = world(0, {})
  sender.dispatch(rollout, {alerts: [alert]})
  await settle()
  expect(failures[0]).toMatch(/set exactly one of spec.webhook and spec.slack/)
})
