// Reads Kubernetes manifests as kubectl does, and refuses with file, document and reason what it can't apply as meant.
// No message quotes a value: a manifest may be a Secret.
import {type Document, isMap, LineCounter, parseAllDocuments, type Tags} from 'yaml'
import type {KubeObject} from '../crds/meta.ts'

/** One file of a commit. */
export interface ManifestFile {
  path: string
  content: Uint8Array
}

/** An object, and where in Git it stands. */
export interface SourceObject {
  object: KubeObject
  /** Such as `apps/shop.yaml, document 2`. */
  source: string
}

export type ManifestErrorReason = 'InvalidManifest' | 'NotSupported'

/** A manifest that can't be applied; the commit as a whole is refused. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
  readonly reason: ManifestErrorReason

  constructor(reason: ManifestErrorReason, message: string) {
    super(message)
    this.reason = reason
  }
}

/** The most objects that one GitSync applies; its inventory holds no more. */
export const maximumObjects = 1000
/** Largest object, as JSON: etcd takes no more by default. */
const maximumObjectBytes = 1024 * 1024
const maximumDocumentsPerFile = maximumObjects
const maximumAliases = 100
const maximumProblemLength = 200

const kustomizationNames = new Set(['kustomization.yaml', 'kustomization.yml', 'Kustomization'])

/**
 * Whether a file takes part in a sync: .yaml, .yml and .json outside of dot folders (such as .github), and those that
 * must be refused by name.
 */
export function isManifestPath(path: string): boolean {
  const parts = path.split('/')
  if (parts.some(part => part.startsWith('.'))) return false
  const name = parts.at(-1) ?? ''
  return kustomizationNames.has(name) || /\.(ya?ml|json)$/.test(name)
}

/**
 * The objects of some files, in order; lists are expanded, empty documents skipped, and what only a server may set
 * (status, uid, managedFields ...) is dropped.
 * @throws ManifestError for the first file, document or object that can't be applied.
 */
export function parseManifests(files: readonly ManifestFile[]): SourceObject[] {
  const objects: SourceObject[] = []
  for (const file of files) {
    refuseForeignFormat(file.path)
    for (const found of parseFile(file)) {
      objects.push(found)
      if (objects.length > maximumObjects) {
        throw new ManifestError(
          'InvalidManifest',
          `spec.path holds more than ${maximumObjects} objects: split it over several GitSyncs`,
        )
      }
    }
  }
  refuseDuplicates(objects)
  return objects
}

function refuseForeignFormat(path: string): void {
  const name = path.split('/').at(-1) ?? ''
  if (kustomizationNames.has(name)) {
    throw new ManifestError(
      'NotSupported',
      `${quote(path)} is a kustomization, which GitSync does not render: commit the output of "kustomize build" in a folder of its own and point spec.path there`,
    )
  }
  if (name === 'Chart.yaml') {
    throw new ManifestError(
      'NotSupported',
      `${quote(path)} belongs to a Helm chart, which GitSync does not render: commit the output of "helm template" in a folder of its own and point spec.path there`,
    )
  }
}

function parseFile(file: ManifestFile): SourceObject[] {
  const text = decode(file)
  const lines = new LineCounter()
  const documents = readDocuments(file.path, text, lines)
  if (documents.length > maximumDocumentsPerFile) {
    throw new ManifestError(
      'InvalidManifest',
      `${quote(file.path)} holds more than ${maximumDocumentsPerFile} documents`,
    )
  }
  return documents.flatMap((document, index) => {
    const source = `${quote(file.path)}, document ${index + 1}`
    const value = documentValue(document, source, lines)
    return value === null || value === undefined ? [] : expand(value, source)
  })
}

function decode(file: ManifestFile): string {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(file.content)
  } catch {
    throw new ManifestError('InvalidManifest', `${quote(file.path)} is not UTF-8: save it as UTF-8`)
  }
}

function readDocuments(path: string, text: string, lines: LineCounter): Document.Parsed[] {
  try {
    const documents = parseAllDocuments(text, {
      // kubectl reads YAML 1.1: there, 0644 is octal and "yes" is true.
      version: '1.1',
      customTags: kubernetesTags,
      lineCounter: lines,
      // A pretty error quotes the line, and with it perhaps a Secret.
      prettyErrors: false,
    })
    return Array.isArray(documents) ? documents : []
  } catch {
    throw new ManifestError('InvalidManifest', `${quote(path)} is nested too deeply to be read`)
  }
}

/** YAML 1.1 without what has no place in JSON (dates, sets, binary), or that kubectl reads as text (90:30). */
function kubernetesTags(tags: Tags): Tags {
  const kept = new Set(
    ['map', 'seq', 'str', 'null', 'bool', 'int', 'float', 'merge'].map(name => `tag:yaml.org,2002:${name}`),
  )
  return tags.filter(
    tag => typeof tag !== 'string' && kept.has(tag.tag) && (!('format' in tag) || tag.format !== 'TIME'),
  )
}

function documentValue(document: Document.Parsed, source: string, lines: LineCounter): unknown {
  const problem = document.errors[0] ?? document.warnings[0]
  if (problem) {
    const {line, col} = lines.linePos(problem.pos[0])
    const what = problem.message.replaceAll(/["'`].*["'`]/gs, '...').replaceAll(/\s+/g, ' ')
    throw new ManifestError(
      'InvalidManifest',
      `${source}: invalid YAML at line ${line}, column ${col}: ${what.slice(0, maximumProblemLength)}`,
    )
  }
  if (document.contents !== null && isMap(document.contents) && document.contents.items.length === 0) return null
  try {
    return document.toJS({maxAliasCount: maximumAliases})
  } catch {
    throw new ManifestError('InvalidManifest', `${source}: too many or unresolved YAML aliases: write the values out`)
  }
}

function expand(value: unknown, source: string): SourceObject[] {
  const object = checkShape(value, source)
  if (!isList(object)) return [{object: checkObject(object, source), source}]
  if (!Array.isArray(object.items)) {
    throw new ManifestError('InvalidManifest', `${source}: items of ${object.kind} must be a list`)
  }
  if (object.items.length > maximumObjects) {
    throw new ManifestError('InvalidManifest', `${source}: the list holds more than ${maximumObjects} items`)
  }
  return object.items.map((item: unknown, index: number) => {
    const itemSource = `${source}, item ${index + 1}`
    return {object: checkObject(checkShape(item, itemSource), itemSource), source: itemSource}
  })
}

function isList(object: Record<string, unknown>): boolean {
  return typeof object.kind === 'string' && object.kind.endsWith('List') && 'items' in object
}

function checkShape(value: unknown, source: string): Record<string, unknown> {
  if (!isMapping(value)) {
    throw new ManifestError('InvalidManifest', `${source}: not a mapping: a manifest starts with apiVersion and kind`)
  }
  for (const field of ['apiVersion', 'kind']) {
    if (typeof value[field] !== 'string' || value[field] === '') {
      throw new ManifestError('InvalidManifest', `${source}: ${field} is missing or not a text`)
    }
  }
  if (typeof value.apiVersion === 'string' && value.apiVersion.startsWith('kustomize.config.k8s.io/')) {
    throw new ManifestError(
      'NotSupported',
      `${source}: is a kustomization, which GitSync does not render: commit the output of "kustomize build" instead`,
    )
  }
  return value
}

function checkObject(value: Record<string, unknown>, source: string): KubeObject {
  const metadata = value.metadata
  if (!isMapping(metadata) || typeof metadata.name !== 'string' || metadata.name === '') {
    throw new ManifestError('InvalidManifest', `${source}: metadata.name of ${value.kind} is missing or not a text`)
  }
  if (metadata.namespace !== undefined && typeof metadata.namespace !== 'string') {
    throw new ManifestError('InvalidManifest', `${source}: metadata.namespace is not a text`)
  }
  for (const field of ['labels', 'annotations'] as const) checkTexts(metadata[field], `${source}: metadata.${field}`)
  const {status: _status, ...rest} = value
  const object = {...rest, metadata: pickMetadata(metadata)} as KubeObject
  if (jsonBytes(object, source) > maximumObjectBytes) {
    throw new ManifestError('InvalidManifest', `${source}: larger than ${maximumObjectBytes} bytes`)
  }
  return object
}

function checkTexts(value: unknown, where: string): void {
  if (value === undefined || value === null) return
  if (!isMapping(value)) throw new ManifestError('InvalidManifest', `${where} must be a mapping`)
  const wrong = Object.keys(value).find(key => typeof value[key] !== 'string')
  if (wrong !== undefined) {
    throw new ManifestError(
      'InvalidManifest',
      `${where}: the value of ${quote(wrong)} must be a text: put it in quotes`,
    )
  }
}

/** Exported objects carry fields that belong to the server, and that an apply refuses or fights over. */
function pickMetadata(metadata: Record<string, unknown>): KubeObject['metadata'] {
  const kept = ['name', 'namespace', 'labels', 'annotations', 'finalizers', 'ownerReferences']
  const entries = kept
    .filter(key => metadata[key] !== undefined && metadata[key] !== null)
    .map(key => [key, metadata[key]])
  return Object.fromEntries(entries) as KubeObject['metadata']
}

function jsonBytes(value: unknown, source: string): number {
  try {
    return Buffer.byteLength(JSON.stringify(value))
  } catch {
    throw new ManifestError('InvalidManifest', `${source}: nested too deeply or in a circle`)
  }
}

function refuseDuplicates(objects: readonly SourceObject[]): void {
  const seen = new Map<string, string>()
  for (const {object, source} of objects) {
    const {apiVersion, kind, metadata} = object
    const key = JSON.stringify([apiVersion, kind, metadata.namespace ?? '', metadata.name])
    const first = seen.get(key)
    if (first !== undefined) {
      throw new ManifestError(
        'InvalidManifest',
        `${source}: ${kind} ${quote(metadata.name)} is already in ${first}: remove one of them`,
      )
    }
    seen.set(key, source)
  }
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}

function quote(text: string): string {
  return JSON.stringify(text)
}
