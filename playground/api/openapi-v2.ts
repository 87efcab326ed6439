// OpenAPI v2 in its protobuf form, which kubectl up to 1.28 insists on. It holds no definitions, only which patches take
// which parameters: that is how those versions find out that the server validates fields and knows dry runs.
import {servedGroups} from './discovery.ts'
import type {Registry} from './resources.ts'

/** The media type that kubectl asks for. */
export const openApiV2MediaType = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'

/** The media type that the answer declares: the one above doesn't parse as a media type. */
export const openApiV2ContentType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

// Field numbers of openapi.v2 in github.com/google/gnostic.
const field = {
  documentSwagger: 1,
  documentInfo: 2,
  documentPaths: 8,
  infoTitle: 1,
  infoVersion: 2,
  pathsPath: 2,
  name: 1,
  value: 2,
  pathItemPatch: 8,
  operationParameters: 8,
  operationExtension: 13,
  parametersItemParameter: 1,
  parameterNonBody: 2,
  nonBodyQuery: 3,
  queryIn: 2,
  queryName: 4,
  queryType: 6,
  anyYaml: 2,
} as const

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

// Every field here is length-delimited: a string or a message.
function encode(number: number, content: string | Buffer[]): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : Buffer.concat(content)
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}

function queryParameter(name: string): Buffer {
  const query = [encode(field.queryIn, 'query'), encode(field.queryName, name), encode(field.queryType, 'string')]
  const nonBody = encode(field.parameterNonBody, [encode(field.nonBodyQuery, query)])
  return encode(field.operationParameters, [encode(field.parametersItemParameter, [nonBody])])
}

function patchPath(path: string, groupVersionKind: object): Buffer {
  const yaml = encode(field.anyYaml, JSON.stringify(groupVersionKind))
  const extension = [encode(field.name, 'x-kubernetes-group-version-kind'), encode(field.value, [yaml])]
  const parameters = ['dryRun', 'fieldManager', 'fieldValidation', 'force'].map(queryParameter)
  const operation = encode(field.pathItemPatch, [...parameters, encode(field.operationExtension, extension)])
  return encode(field.pathsPath, [encode(field.name, path), encode(field.value, [operation])])
}

/** The document. */
export function openApiV2Document(registry: Registry): Buffer {
  const paths: Buffer[] = []
  for (const [group, versions] of servedGroups(registry)) {
    for (const [version, served] of versions) {
      for (const {definition} of served) {
        const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`
        const path = `${root}/${definition.namespaced ? 'namespaces/{namespace}/' : ''}${definition.plural}/{name}`
        paths.push(patchPath(path, {group, version, kind: definition.kind}))
      }
    }
  }
  const info = [encode(field.infoTitle, 'API emulator'), encode(field.infoVersion, 'v1')]
  return Buffer.concat([
    encode(field.documentSwagger, '2.0'),
    encode(field.documentInfo, info),
    encode(field.documentPaths, paths),
  ])
}
