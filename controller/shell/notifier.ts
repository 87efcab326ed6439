import {Agent, type Dispatcher} from 'undici'
import type {AlertMessage, AlertTarget, Notifier} from '../ports.ts'
import {slackMessage} from './slack-message.ts'

const timeoutMilliseconds = 10_000
/** What is read of an answer; the rest is cut off. */
const maxAnswerBytes = 64 * 1024
const maxConnectionsPerReceiver = 4
const maxReceivers = 200

/** An alert that was not taken. The message never holds the address, which is often a secret itself. */
export class NotifierError extends Error {
  override readonly name = 'NotifierError'
  /** Whether the same alert may be taken later. */
  readonly transient: boolean

  constructor(message: string, transient: boolean) {
    super(message)
    this.transient = transient
  }
}

export interface HttpNotifierOptions {
  /** Deadline of one attempt, answer included; 10 s when absent. */
  timeoutMilliseconds?: number
}

/** Sends alerts over HTTP: as a JSON document to any webhook, or to a Slack incoming webhook. */
export class HttpNotifier implements Notifier {
  readonly #timeoutMilliseconds: number
  readonly #agent: Agent

  constructor(options: HttpNotifierOptions = {}) {
    this.#timeoutMilliseconds = options.timeoutMilliseconds ?? timeoutMilliseconds
    const connections = maxConnectionsPerReceiver
    this.#agent = new Agent({connections, maxOrigins: maxReceivers, connectTimeout: this.#timeoutMilliseconds})
  }

  /**
   * One attempt; whoever calls retries. Each attempt builds its body anew.
   *
   * @throws {NotifierError} transient for no answer, 408, 425, 429 and 5xx; final for everything else but a 2xx
   */
  async send(message: AlertMessage, target: AlertTarget): Promise<void> {
    const {url, authorization} = addressOf(target)
    const body = JSON.stringify(target.type === 'slack' ? slackMessage(message, target.channel) : message)
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'user-agent': 'fairlead',
      'idempotency-key': message.id,
    }
    if (authorization !== undefined) headers['authorization'] = authorization
    let response: Dispatcher.ResponseData
    const signal = AbortSignal.timeout(this.#timeoutMilliseconds)
    try {
      const path = url.pathname + url.search
      // Redirects are not followed: the body would go to an address that nobody configured.
      response = await this.#agent.request({origin: url.origin, path, method: 'POST', headers, body, signal})
      await response.body.dump({limit: maxAnswerBytes, signal})
    } catch (error) {
      throw new NotifierError(`the ${target.type} receiver gave no answer: ${describe(error)}`, true)
    }
    const status = response.statusCode
    if (status >= 200 && status < 300) return
    const transient = status === 408 || status === 425 || status === 429 || status >= 500
    throw new NotifierError(`the ${target.type} receiver answered ${status}`, transient)
  }

  /** Hangs up; alerts under way fail. */
  async close(): Promise<void> {
    await this.#agent.destroy()
  }
}

function addressOf(target: AlertTarget): {url: URL; authorization?: string} {
  if (!URL.canParse(target.url))
    throw new NotifierError(`the address of the ${target.type} receiver is not a URL`, false)
  const url = new URL(target.url)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new NotifierError(`the address of the ${target.type} receiver must begin with http:// or https://`, false)
  }
  if (url.username === '' && url.password === '') return {url}
  const userInfo = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`
  return {url, authorization: `Basic ${Buffer.from(userInfo).toString('base64')}`}
}

/** A code or the name of the error: its message may hold the host. */
function describe(error: unknown): string {
  const {code, name} = error as {code?: unknown; name?: unknown}
  if (typeof code === 'string') return code
  return typeof name === 'string' ? name : 'unknown error'
}
