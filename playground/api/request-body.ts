// Reads bodies, in whichever format they come.
import {parse} from 'yaml'
import type {KubeObject} from '../../crds/meta.ts'
import {ApiError, badRequest} from './errors.ts'
import {isObject, type Value} from './objects.ts'
import {decodeProtobuf} from './protobuf.ts'
import type {ApiRequest} from './types.ts'

/** The largest body that is taken. */
export const maximumBodyBytes = 3 * 1024 * 1024
/** Aliases in YAML may be followed this often, so that a small document can't grow without bounds. */
const maximumAliases = 100
/** What a body may be; a missing media type stands for JSON. */
const acceptedTypes = ['application/json', 'application/yaml', 'application/vnd.kubernetes.protobuf']
const patchSuffixes = ['-patch+json', '-patch+yaml']

/** The media type of a request's body, without parameters. */
export function contentType(request: ApiRequest): string {
  const header = request.headers?.['content-type'] ?? ''
  return (header.split(';')[0] ?? '').trim().toLowerCase()
}

function rawText(body: Uint8Array | string): string {
  return typeof body === 'string' ? body : Buffer.from(body).toString('utf8')
}

/** The parsed body; undefined when there is none. Throws 400, 413 or 415. */
export function parseBody(request: ApiRequest): Value {
  const {body} = request
  if (body === undefined || body === '') return undefined
  if (typeof body === 'object' && !(body instanceof Uint8Array)) return body
  if (body.length === 0) return undefined
  if (body.length > maximumBodyBytes) {
    throw new ApiError(413, 'RequestEntityTooLarge', `the body is larger than ${maximumBodyBytes} bytes`)
  }
  const type = contentType(request)
  if (type === 'application/vnd.kubernetes.protobuf') return decodeProtobuf(Buffer.from(body))
  if (type !== '' && !acceptedTypes.includes(type) && !patchSuffixes.some(suffix => type.endsWith(suffix))) {
    const accepted = acceptedTypes.join(', ')
    const message = `the body of the request was in an unknown format - accepted media types include: ${accepted}`
    throw new ApiError(415, 'UnsupportedMediaType', message)
  }
  try {
    return type.endsWith('yaml') ? parse(rawText(body), {maxAliasCount: maximumAliases}) : JSON.parse(rawText(body))
  } catch (error) {
    throw badRequest(
      `the body can't be read as ${type === '' ? 'application/json' : type}: ${(error as Error).message}`,
    )
  }
}

/** The body as an object with metadata. Throws 400 for anything else. */
export function parseObject(request: ApiRequest): KubeObject {
  const body = parseBody(request)
  if (!isObject(body)) throw badRequest('the body must be an object')
  if (typeof body['apiVersion'] !== 'string') throw badRequest('apiVersion must be set')
  if (typeof body['kind'] !== 'string') throw badRequest('kind must be set')
  if (body['metadata'] !== undefined && body['metadata'] !== null && !isObject(body['metadata'])) {
    throw badRequest('metadata must be an object')
  }
  return {...body, metadata: {...body['metadata']}} as unknown as KubeObject
}
