// Stands between one controller and the API server, sees every request, and can cut one off: the API server has carried
// it out, and the controller never hears of it.
import {readFileSync, writeFileSync} from 'node:fs'
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import {Agent, request as forward} from 'node:https'

export interface ApiRequest {
  method: string
  path: string
}

export interface ApiProxyOptions {
  url: string
  /** PEM files: the authority of the API server, and the client certificate that the proxy uses for its client. */
  authority: string
  certificate: string
  key: string
  /** Path of the kubeconfig that is written for the client. */
  kubeconfig: string
  /** Told of each write when the API server has answered it; what it returns decides whether the answer is passed on. */
  onWrite: (request: ApiRequest) => 'answer' | 'cut'
}

export interface ApiProxy {
  close(): Promise<void>
}

/** Events tell people something; nothing depends on them. */
const notCounted = /\/events(\?|$)|\/leases(\/|\?|$)/

export async function startApiProxy(options: ApiProxyOptions): Promise<ApiProxy> {
  const agent = new Agent({
    keepAlive: true,
    ca: readFileSync(options.authority),
    cert: readFileSync(options.certificate),
    key: readFileSync(options.key),
  })
  const server = createServer((incoming, outgoing) => pass(incoming, outgoing, options, agent))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address !== 'object') throw new Error('the proxy has no port')
  writeFileSync(options.kubeconfig, JSON.stringify(kubeconfigOf(`http://127.0.0.1:${address.port}`)))
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
        agent.destroy()
      }),
  }
}

function pass(incoming: IncomingMessage, outgoing: ServerResponse, options: ApiProxyOptions, agent: Agent): void {
  const {method = 'GET', url: path = '/', headers} = incoming
  const {host: _, connection: __, ...kept} = headers
  const counted = method !== 'GET' && !notCounted.test(path)
  const sent = forward(`${options.url}${path}`, {method, headers: kept, agent}, answer => {
    if (counted && answer.statusCode !== undefined && answer.statusCode < 300) {
      // The headers are here, so etcd has it.
      if (options.onWrite({method, path}) === 'cut') {
        incoming.destroy()
        answer.resume()
        return
      }
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
    outgoing.flushHeaders()
    answer.pipe(outgoing)
    answer.once('error', () => outgoing.destroy())
  })
  sent.once('error', () => outgoing.destroy())
  outgoing.once('close', () => sent.destroy())
  incoming.pipe(sent)
}

function kubeconfigOf(server: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{name: 'proxy', cluster: {server}}],
    users: [{name: 'proxy', user: {}}],
    contexts: [{name: 'proxy', context: {cluster: 'proxy', user: 'proxy', namespace: 'default'}}],
    'current-context': 'proxy',
  }
}
