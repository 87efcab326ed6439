// One request, as a client of its protocol sends it, and what became of it.
import {get} from 'node:http'
import {connect as connectHttp2, constants} from 'node:http2'
import {connect} from 'node:net'
import type {Observed, Request} from './report.ts'
import {unframed} from './servers.ts'

const timeoutMilliseconds = 10_000

export interface Place {
  host: string
  port: number
}

/** @throws Error when there is no answer at all */
export async function send(place: Place, request: Request): Promise<Observed> {
  const begun = performance.now()
  const senders = {http: sendHttp, grpc: sendGrpc, tcp: sendTcp}
  const answer = await senders[request.protocol ?? 'http'](place, request)
  return {...answer, milliseconds: Math.round(performance.now() - begun)}
}

type Answer = Omit<Observed, 'milliseconds'>

function sendHttp(place: Place, {host, path = '/', headers = {}}: Request): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {...place, path, headers: {host, ...headers}, timeout: timeoutMilliseconds, agent: false}
    const asked = get(options, response => {
      let body = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk
      })
      response.on('end', () => {
        const isOurs = response.headers['content-type'] === 'application/json'
        resolve({
          status: response.statusCode ?? 0,
          ...(isOurs ? {server: serverIn(body)} : {}),
          cookies: response.headers['set-cookie'] ?? [],
        })
      })
    })
    asked.once('error', reject)
    asked.once('timeout', () => asked.destroy(new Error('no answer')))
  })
}

/** A call as gRPC sends it: HTTP/2 in plaintext, trailers wanted, and the status in the trailers of the answer. */
function sendGrpc({host: address, port}: Place, {host, path = '/shop.Checkout/Get', headers = {}}: Request) {
  return new Promise<Answer>((resolve, reject) => {
    const session = connectHttp2(`http://${address}:${port}`)
    session.once('error', reject)
    session.setTimeout(timeoutMilliseconds, () => session.destroy(new Error('no answer')))
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: path,
      [constants.HTTP2_HEADER_AUTHORITY]: host,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const answer: Answer = {status: 0, cookies: []}
    const chunks: Buffer[] = []
    stream.on('response', fields => {
      answer.status = Number(fields[constants.HTTP2_HEADER_STATUS] ?? 0)
      // An answer without a body has its status among its headers.
      if (fields['grpc-status'] !== undefined) answer.grpcStatus = String(fields['grpc-status'])
    })
    stream.on('trailers', fields => {
      answer.grpcStatus = String(fields['grpc-status'] ?? '')
    })
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('error', reject)
    stream.once('end', () => {
      session.close()
      const message = unframed(Buffer.concat(chunks))
      resolve({...answer, ...(message === undefined ? {} : {server: serverIn(message)})})
    })
    stream.end(Buffer.alloc(5))
  })
}

/** A connection without a protocol that a proxy knows. */
function sendTcp(place: Place): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({...place, timeout: timeoutMilliseconds})
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
    })
    socket.once('error', reject)
    socket.once('timeout', () => socket.destroy(new Error('no answer')))
    socket.once('end', () =>
      resolve({status: text === '' ? 0 : 200, cookies: [], ...(text === '' ? {} : {server: serverIn(text)})}),
    )
    socket.write('who?')
  })
}

function serverIn(text: string): string {
  return (JSON.parse(text) as {server: string}).server
}
