// Reads the few kinds that kubectl 1.32 and later post as protobuf, whatever the server says that it accepts.
import type {KubeObject} from '../../crds/meta.ts'
import {ApiError, badRequest} from './errors.ts'
import {setOwn, type Value} from './objects.ts'

interface Field {
  name: string
  kind: 'text' | 'bytes' | 'integer' | 'boolean' | 'message' | 'textMap' | 'bytesMap' | 'intOrString'
  message?: Message
  repeated?: boolean
}
type Message = Readonly<Record<number, Field>>

const magic = Buffer.from([0x6b, 0x38, 0x73, 0x00])
const maximumDepth = 20

const text = (name: string): Field => ({name, kind: 'text'})
const integer = (name: string): Field => ({name, kind: 'integer'})
const message = (name: string, inner: Message, repeated = false): Field => ({
  name,
  kind: 'message',
  message: inner,
  repeated,
})
const repeatedText = (name: string): Field => ({name, kind: 'text', repeated: true})

const metadata: Message = {
  1: text('name'),
  2: text('generateName'),
  3: text('namespace'),
  11: {name: 'labels', kind: 'textMap'},
  12: {name: 'annotations', kind: 'textMap'},
  14: repeatedText('finalizers'),
}
const meta = message('metadata', metadata)
const port: Message = {1: text('name'), 2: integer('hostPort'), 3: integer('containerPort'), 4: text('protocol')}
const environment: Message = {1: text('name'), 2: text('value')}
const container: Message = {
  1: text('name'),
  2: text('image'),
  3: repeatedText('command'),
  4: repeatedText('args'),
  6: message('ports', port, true),
  7: message('env', environment, true),
  8: message('resources', {}),
  14: text('imagePullPolicy'),
}
const podSpec: Message = {
  2: message('containers', container, true),
  3: text('restartPolicy'),
  8: text('serviceAccountName'),
}
const podTemplate: Message = {1: meta, 2: message('spec', podSpec)}
const selector: Message = {1: {name: 'matchLabels', kind: 'textMap'}}
const servicePort: Message = {
  1: text('name'),
  2: text('protocol'),
  3: integer('port'),
  4: {name: 'targetPort', kind: 'intOrString'},
  5: integer('nodePort'),
}

const scaleTarget: Message = {1: text('kind'), 2: text('name'), 3: text('apiVersion')}
const autoscalerSpec: Message = {
  1: message('scaleTargetRef', scaleTarget),
  2: integer('minReplicas'),
  3: integer('maxReplicas'),
}
const metricTarget: Message = {1: text('type'), 4: integer('averageUtilization')}
const resourceMetric: Message = {1: text('name'), 2: message('target', metricTarget)}
const metric: Message = {1: text('type'), 4: message('resource', resourceMetric)}

const kinds: Readonly<Record<string, Message>> = {
  'v1 Namespace': {1: meta},
  'v1 ServiceAccount': {1: meta},
  'v1 ConfigMap': {
    1: meta,
    2: {name: 'data', kind: 'textMap'},
    3: {name: 'binaryData', kind: 'bytesMap'},
    4: {name: 'immutable', kind: 'boolean'},
  },
  'v1 Secret': {
    1: meta,
    2: {name: 'data', kind: 'bytesMap'},
    3: text('type'),
    4: {name: 'stringData', kind: 'textMap'},
  },
  'v1 Pod': {1: meta, 2: message('spec', podSpec)},
  'v1 Service': {
    1: meta,
    2: message('spec', {
      1: message('ports', servicePort, true),
      2: {name: 'selector', kind: 'textMap'},
      3: text('clusterIP'),
      4: text('type'),
      10: text('externalName'),
    }),
  },
  'autoscaling/v1 HorizontalPodAutoscaler': {
    1: meta,
    2: message('spec', {...autoscalerSpec, 4: integer('targetCPUUtilizationPercentage')}),
  },
  'autoscaling/v2 HorizontalPodAutoscaler': {
    1: meta,
    2: message('spec', {...autoscalerSpec, 4: message('metrics', metric, true)}),
  },
  'apps/v1 Deployment': {
    1: meta,
    2: message('spec', {1: integer('replicas'), 2: message('selector', selector), 3: message('template', podTemplate)}),
  },
}

interface RawField {
  number: number
  value: Buffer | number
}

function* rawFields(buffer: Buffer): Generator<RawField> {
  let position = 0
  const varint = () => {
    let result = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[position++]
      if (byte === undefined) break
      result |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return Number(BigInt.asIntN(64, result))
    }
    throw badRequest('the protobuf body is cut off')
  }
  while (position < buffer.length) {
    const tag = varint()
    const wire = tag & 7
    if (wire === 0) yield {number: tag >>> 3, value: varint()}
    else if (wire === 2) {
      const length = varint()
      if (length < 0 || position + length > buffer.length) throw badRequest('the protobuf body is cut off')
      yield {number: tag >>> 3, value: buffer.subarray(position, position + length)}
      position += length
    } else throw badRequest(`protobuf wire type ${wire} is not supported`)
  }
}

function decodeField(field: Field, raw: Buffer | number, depth: number): Value {
  if (field.kind === 'integer') return raw
  if (field.kind === 'boolean') return raw !== 0
  if (typeof raw === 'number') throw badRequest(`protobuf field ${field.name} has an unexpected type`)
  if (field.kind === 'text') return raw.toString('utf8')
  if (field.kind === 'bytes') return raw.toString('base64')
  if (field.kind === 'intOrString') {
    const parts = Object.fromEntries([...rawFields(raw)].map(part => [part.number, part.value]))
    return parts[1] === 1 ? String(parts[3] ?? '') : (parts[2] ?? 0)
  }
  return decodeMessage(field.message ?? {}, raw, depth + 1)
}

function decodeMessage(shape: Message, buffer: Buffer, depth: number): Record<string, Value> {
  if (depth > maximumDepth) throw badRequest('the protobuf body is nested too deeply')
  const result: Record<string, Value> = {}
  for (const {number, value} of rawFields(buffer)) {
    const field = shape[number]
    if (field === undefined) continue
    if (field.kind === 'textMap' || field.kind === 'bytesMap') {
      const parts = Object.fromEntries([...rawFields(value as Buffer)].map(part => [part.number, part.value]))
      const encoding = field.kind === 'textMap' ? 'utf8' : 'base64'
      result[field.name] ??= {}
      setOwn(
        result[field.name],
        String(parts[1] ?? ''),
        ((parts[2] as Buffer | undefined) ?? Buffer.alloc(0)).toString(encoding),
      )
      continue
    }
    const decoded = decodeField(field, value, depth)
    if (field.repeated === true) result[field.name] = [...(result[field.name] ?? []), decoded]
    else if (decoded !== '') result[field.name] = decoded
  }
  return result
}

/** The object in a body of application/vnd.kubernetes.protobuf. Throws 415 for kinds that aren't known here. */
export function decodeProtobuf(body: Uint8Array): KubeObject {
  const buffer = Buffer.from(body)
  if (!buffer.subarray(0, magic.length).equals(magic)) throw badRequest('the body is not protobuf of this API')
  const envelope = Object.fromEntries(
    [...rawFields(buffer.subarray(magic.length))].map(part => [part.number, part.value]),
  )
  const type = decodeMessage({1: text('apiVersion'), 2: text('kind')}, envelope[1] as Buffer, 0)
  const name = `${type['apiVersion']} ${type['kind']}`
  const shape = kinds[name]
  if (shape === undefined) {
    throw new ApiError(415, 'UnsupportedMediaType', `protobuf of ${name} is not supported here: send application/json`)
  }
  const object = decodeMessage(shape, envelope[2] as Buffer, 0)
  return {apiVersion: String(type['apiVersion']), kind: String(type['kind']), metadata: {name: ''}, ...object}
}
