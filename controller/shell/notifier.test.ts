import {afterEach, describe, expect, test} from 'vitest'
import type {AlertMessage, AlertTarget} from '../ports.ts'
import {HttpNotifier, NotifierError} from './notifier.ts'
import {type ScriptedReply, type ScriptedServer, startScriptedServer} from './test-support.ts'

const message: AlertMessage = {
  id: 'release-7',
  event: 'RolledBack',
  severity: 'error',
  title: 'cart was rolled back',
  text: 'errors went from 0.1 % to 7 %',
  fields: {revision: 'abc', commit: 'def'},
  createdAt: '2026-01-01T00:00:00Z',
}
const cleanups: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function start(replies: ScriptedReply[], timeoutMilliseconds = 2_000) {
  const server = await startScriptedServer(() => (replies.length > 1 ? replies.shift() : replies[0]))
  const notifier = new HttpNotifier({timeoutMilliseconds})
  cleanups.push(
    () => server.close(),
    () => notifier.close(),
  )
  return {server, notifier, target: targetOf(server)}
}

function targetOf(server: ScriptedServer): AlertTarget {
  return {type: 'webhook', url: `${server.url}/hooks/s3cret?key=s3cret`}
}

async function failure(promise: Promise<void>): Promise<NotifierError> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(NotifierError)
  expect((error as NotifierError).message).not.toMatch(/s3cret|127\.0\.0\.1/)
  return error as NotifierError
}

describe('a webhook', () => {
  test('gets the whole message as JSON, with a key to de-duplicate by', async () => {
    const {server, notifier, target} = await start([{status: 200}])
    await notifier.send(message, target)
    const [request] = server.requests
    expect(request).toMatchObject({method: 'POST', path: '/hooks/s3cret'})
    expect(request?.query.get('key')).toBe('s3cret')
    expect(request?.headers).toMatchObject({'idempotency-key': 'release-7', 'content-type': 'application/json'})
    expect(JSON.parse(request?.body ?? '')).toEqual(message)
  })

  test.each([200, 201, 202, 203, 204])('that answers %i took it', async status => {
    const {notifier, target} = await start([
      status === 204 ? {stream: response => void response.writeHead(204).end()} : {status},
    ])
    await notifier.send(message, target)
  })

  test.each([
    [408, true],
    [425, true],
    [429, true],
    [500, true],
    [503, true],
    [400, false],
    [401, false],
    [404, false],
    [302, false],
    [307, false],
  ])('that answers %i did not; to be tried again: %s', async (status, transient) => {
    const {server, notifier, target} = await start([{status, headers: {location: '/elsewhere'}, body: 's3cret'}])
    expect(await failure(notifier.send(message, target))).toMatchObject({transient})
    expect(server.requests).toHaveLength(1)
  })

  test('gets the same body and key on a second attempt', async () => {
    const {server, notifier, target} = await start([{status: 503}, {status: 200}])
    await failure(notifier.send(message, target))
    await notifier.send(message, target)
    const [first, second] = server.requests
    expect(second?.body).toBe(first?.body)
    expect(JSON.parse(second?.body ?? '')).toEqual(message)
    expect(second?.headers['idempotency-key']).toBe(first?.headers['idempotency-key'])
  })

  test('with user info in its address gets that as a header', async () => {
    const {server, notifier} = await start([{status: 200}])
    const url = server.url.replace('http://', 'http://me:p%40ss@')
    await notifier.send(message, {type: 'webhook', url})
    expect(server.requests[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:p@ss').toString('base64')}`)
  })
})

describe('no answer', () => {
  test('in time is transient', async () => {
    const {notifier, target} = await start([{stream: () => {}}], 100)
    expect(await failure(notifier.send(message, target))).toMatchObject({transient: true})
  })

  test('that goes on for ever is cut off', async () => {
    let sent = 0
    const endless: ScriptedReply = {
      stream(response) {
        response.writeHead(200)
        const timer = setInterval(() => {
          sent += 64_000
          response.write('x'.repeat(64_000))
        }, 2)
        response.on('close', () => clearInterval(timer))
      },
    }
    const {notifier, target} = await start([endless], 1_000)
    await notifier.send(message, target).catch(() => {})
    expect(sent).toBeLessThan(50 * 64_000)
  })

  test('from a closed port is transient, and the message has the code alone', async () => {
    const {server, notifier, target} = await start([{}])
    await server.close()
    const error = await failure(notifier.send(message, target))
    expect(error).toMatchObject({transient: true, message: 'the webhook receiver gave no answer: ECONNREFUSED'})
  })

  test.each(['not a s3cret url', 'ftp://s3cret'])('is expected from %s', async url => {
    const {notifier} = await start([{}])
    expect(await failure(notifier.send(message, {type: 'webhook', url}))).toMatchObject({transient: false})
  })
})

test('Slack gets blocks, and the channel where one is given', async () => {
  const {server, notifier, target} = await start([{status: 200, body: 'ok'}])
  await notifier.send(message, {...target, type: 'slack', channel: '#on-call'})
  expect(JSON.parse(server.requests[0]?.body ?? '')).toMatchObject({
    channel: '#on-call',
    text: message.title,
    attachments: [
      {color: '#e01e5a', blocks: [{type: 'header'}, {type: 'section'}, {type: 'section'}, {type: 'context'}]},
    ],
  })
})
