// A server of the differential test: requests as they are on the wire, with what only this server knows filled in.
import {Agent, fetch} from 'undici'
import type {Connection} from '../../../controller/shell/kube-config.ts'
import type {KubeObject} from '../../../crds/meta.ts'

/** A request that means the same to every server. `$version` stands for the resourceVersion that this one gave last. */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** From the server's root, with the query. */
  path: string
  body?: object | string
  contentType?: string
  accept?: string
}

export interface Answer {
  status: number
  body: KubeObject
}

export interface Server {
  send(operation: Operation): Promise<Answer>
  close(): Promise<void>
}

export async function openServer(connection: Connection): Promise<Server> {
  const dispatcher = new Agent({connect: {...(await connection.tls())}})
  const versions = new Map<string, string>()
  const remember = ({kind, metadata}: KubeObject) => {
    if (metadata?.name && metadata.resourceVersion) versions.set(`${kind}/${metadata.name}`, metadata.resourceVersion)
  }
  return {
    async send({method, path, body, contentType = 'application/json', accept = 'application/json'}) {
      const headers = {...(await connection.headers()), accept}
      const text = typeof body === 'object' ? JSON.stringify(filled(body as KubeObject, versions)) : body
      const response = await fetch(`${connection.baseUrl}${path}`, {
        method,
        dispatcher,
        headers: text === undefined ? headers : {...headers, 'content-type': contentType},
        ...(text === undefined ? {} : {body: text}),
      })
      const answer = await response.text()
      const parsed = parse(answer)
      remember(parsed)
      return {status: response.status, body: parsed}
    },
    close: () => dispatcher.close(),
  }
}

function parse(text: string): KubeObject {
  try {
    return JSON.parse(text) as KubeObject
  } catch {
    return {apiVersion: '', kind: 'Text', metadata: {name: ''}, text}
  }
}

/** The body with the version of its object, which each server counts for itself. */
function filled(body: KubeObject, versions: ReadonlyMap<string, string>): object {
  if (body.metadata?.resourceVersion !== '$version') return body
  const resourceVersion = versions.get(`${body.kind}/${body.metadata.name}`) ?? '1'
  return {...body, metadata: {...body.metadata, resourceVersion}}
}
