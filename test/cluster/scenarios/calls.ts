// A gRPC call without a message, over cleartext HTTP/2.
import {connect, constants} from 'node:http2'
import type {Observed, Request} from './report.ts'

/** Header by which the servers of gRPC say who they are. */
export const serverHeader = 'x-server'

export function call(
  place: {host: string; port: number},
  {host, headers = {}}: Request,
  timeoutMilliseconds: number,
): Promise<Observed> {
  const begun = performance.now()
  return new Promise((resolve, reject) => {
    const session = connect(`http://${place.host}:${place.port}`)
    session.setTimeout(timeoutMilliseconds, () => session.destroy(new Error('no answer')))
    session.once('error', reject)
    const stream = session.request({
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_PATH]: '/shop.Checkout/Pay',
      [constants.HTTP2_HEADER_AUTHORITY]: host,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    const seen: Record<string, unknown> = {}
    for (const event of ['response', 'trailers'] as const) stream.on(event, more => void Object.assign(seen, more))
    stream.once('error', reject)
    stream.once('close', () => {
      session.close()
      const {[serverHeader]: server, 'grpc-status': grpcStatus, ':status': status} = seen
      resolve({
        status: Number(status ?? 0),
        ...(typeof server === 'string' ? {server} : {}),
        ...(typeof grpcStatus === 'string' ? {grpcStatus} : {}),
        cookies: [],
        milliseconds: Math.round(performance.now() - begun),
      })
    })
    stream.resume()
    stream.end()
  })
}
