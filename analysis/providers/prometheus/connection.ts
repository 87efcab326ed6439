// Credentials, certificates and signatures of requests. Nothing of them is ever part of a message.
import {AwsV4Signer} from 'aws4fetch'
import {Agent, fetch as undiciFetch} from 'undici'
import type {HttpConfig} from '../../../crds/http-config.ts'

/** Sends a request as a configuration says. */
export type Send = (
  address: string,
  init: {headers: Record<string, string>; body: string; signal: AbortSignal},
) => Promise<Response>

/** Connections that are kept: one per configuration that is in use. */
const maximumConnections = 64

/** Ways to send, one per configuration: the same object again gets the same connections. */
export class Connections {
  readonly #known = new Map<HttpConfig, {send: Send; close: () => void}>()

  of(config: HttpConfig): Send {
    const known = this.#known.get(config)
    if (known) return known.send
    const made = connect(config)
    this.#known.set(config, made)
    const [oldest] = this.#known
    if (oldest && this.#known.size > maximumConnections) {
      this.#known.delete(oldest[0])
      oldest[1].close()
    }
    return made.send
  }
}

function connect(config: HttpConfig): {send: Send; close: () => void} {
  const agent = agentOf(config)
  const own = headersOf(config)
  return {
    close: () => void agent?.close().catch(() => undefined),
    async send(address, {headers, body, signal}) {
      const signed = await sign(config, address, {...headers, ...own}, body)
      const init = {method: 'POST', headers: signed, body, signal, redirect: 'manual'} as const
      // A redirect could carry the credentials elsewhere.
      const response: unknown = await (agent
        ? undiciFetch(address, {...init, dispatcher: agent})
        : globalThis.fetch(address, init))
      return response as Response
    },
  }
}

function agentOf({tls_config: tls}: HttpConfig): Agent | undefined {
  if (!tls) return undefined
  const {ca, cert, key, server_name: servername, insecure_skip_verify: insecure} = tls
  return new Agent({
    connect: {
      ...(ca === undefined ? {} : {ca}),
      ...(cert === undefined ? {} : {cert}),
      ...(key === undefined ? {} : {key}),
      ...(servername === undefined ? {} : {servername}),
      rejectUnauthorized: !insecure,
    },
  })
}

function headersOf({basic_auth: basic, authorization, http_headers: headers = {}}: HttpConfig): Record<string, string> {
  const others = Object.entries(headers).map(([name, {values = [], secrets = []}]): [string, string] => [
    name.toLowerCase(),
    [...values, ...secrets].join(', '),
  ])
  const credentials = basic
    ? `Basic ${Buffer.from(`${basic.username}:${basic.password ?? ''}`).toString('base64')}`
    : authorization && `${authorization.type} ${authorization.credentials ?? ''}`
  return {...Object.fromEntries(others), ...(credentials === undefined ? {} : {authorization: credentials})}
}

/** AWS Signature Version 4, as Amazon Managed Service for Prometheus wants it. */
async function sign(
  {sigv4}: HttpConfig,
  url: string,
  headers: Record<string, string>,
  body: string,
): Promise<Record<string, string>> {
  if (!sigv4) return headers
  const signer = new AwsV4Signer({
    method: 'POST',
    url,
    headers,
    body,
    region: sigv4.region,
    service: sigv4.service,
    accessKeyId: sigv4.access_key,
    secretAccessKey: sigv4.secret_key ?? '',
    ...(sigv4.session_token === undefined ? {} : {sessionToken: sigv4.session_token}),
  })
  const {headers: signed} = await signer.sign()
  return Object.fromEntries(signed.entries())
}

/** A text without the credentials of a configuration: what answers may repeat what it was sent. */
export function withoutCredentials(text: string, config: HttpConfig): string {
  const {basic_auth: basic, authorization, sigv4, http_headers: headers = {}} = config
  const credentials = [
    basic && Buffer.from(`${basic.username}:${basic.password ?? ''}`).toString('base64'),
    basic?.password,
    authorization?.credentials,
    sigv4?.secret_key,
    sigv4?.session_token,
    ...Object.values(headers).flatMap(({secrets = []}) => secrets),
  ]
  return credentials.reduce<string>((clean, one) => (one ? clean.replaceAll(one, '<hidden>') : clean), text)
}
