// Random operations on a namespace: those that a user, a GitOps tool and a controller send, right and wrong ones.
import {type Kind, kinds, objectOf, pick, type Random} from './kinds.ts'
import type {Operation} from './server.ts'

const names = ['one', 'two']
const badNames = ['Not_A_Name', 'x'.repeat(300), '-dash']
const labels = [{tier: 'a'}, {tier: 'b', team: 'x'}, {}]
const managers = ['alpha', 'beta']
const patchTypes = ['application/merge-patch+json', 'application/json-patch+json']
const metadataOnly = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
const metadataList = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
const asTable = 'application/json;as=Table;g=meta.k8s.io;v=v1'

type Maker = (random: Random, kind: Kind, namespace: string) => Operation

function collection({root, plural}: Kind, namespace: string): string {
  return `${root}/namespaces/${namespace}/${plural}`
}

/** The query of a write: manager, validation, and now and then a dry run. */
function options(random: Random, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({fieldManager: pick(random, managers), ...more})
  if (random() < 0.5) query.set('fieldValidation', pick(random, ['Strict', 'Warn', 'Ignore']))
  if (random() < 0.1) query.set('dryRun', 'All')
  return query.toString()
}

function metadata(random: Random): object {
  return {
    ...(random() < 0.5 ? {labels: pick(random, labels)} : {}),
    ...(random() < 0.3 ? {annotations: {note: pick(random, ['x', 'y'])}} : {}),
    ...(random() < 0.1 ? {finalizers: ['example.com/hold']} : {}),
  }
}

const create: Maker = (random, kind, namespace) => ({
  method: 'POST',
  path: `${collection(kind, namespace)}?${options(random)}`,
  body: objectOf(kind, pick(random, names), kind.content(random), metadata(random)),
})

const createWrong: Maker = (random, kind, namespace) => {
  const content = kind.content(random)
  const badName = random() < 0.2
  return {
    method: 'POST',
    path: `${collection(kind, namespace)}?${options(random, {fieldValidation: 'Strict'})}`,
    body: objectOf(
      kind,
      pick(random, badName ? badNames : names),
      badName ? content : pick(random, kind.wrong)(content),
      metadata(random),
    ),
  }
}

const update: Maker = (random, kind, namespace) => {
  const name = pick(random, names)
  const versions = kind.contested ? [undefined, '1'] : [undefined, '1', '$version', '$version', '$version']
  const resourceVersion = pick(random, versions)
  const wrong = random() < 0.15
  const content = kind.content(random)
  const body = objectOf(kind, name, wrong ? pick(random, kind.wrong)(content) : content, {
    ...metadata(random),
    ...(resourceVersion === undefined ? {} : {resourceVersion}),
  })
  return {
    method: 'PUT',
    path: `${collection(kind, namespace)}/${name}?${options(random, wrong ? {fieldValidation: 'Strict'} : {})}`,
    body,
  }
}

const patch: Maker = (random, kind, namespace) => {
  const strategic = !kind.apiVersion.includes('.') && random() < 0.4
  const contentType = strategic ? 'application/strategic-merge-patch+json' : pick(random, patchTypes)
  const path = `${collection(kind, namespace)}/${pick(random, names)}?${options(random)}`
  if (contentType !== 'application/json-patch+json') {
    const body = random() < 0.3 ? {metadata: {labels: {tier: pick(random, ['a', 'b', null])}}} : kind.part(random)
    return {method: 'PATCH', path, contentType, body}
  }
  const operations = [
    [{op: 'add', path: '/metadata/labels', value: {tier: 'z'}}],
    [{op: 'remove', path: '/metadata/labels/tier'}],
    [{op: 'replace', path: '/metadata/annotations', value: {note: 'z'}}],
    [
      {op: 'test', path: '/metadata/name', value: 'one'},
      {op: 'add', path: '/metadata/annotations', value: {seen: 'yes'}},
    ],
    [{op: 'remove', path: '/metadata/finalizers'}],
    [{op: 'nonsense', path: '/metadata'}],
  ]
  return {method: 'PATCH', path, contentType, body: pick(random, operations)}
}

const apply: Maker = (random, kind, namespace) => {
  const name = pick(random, names)
  const whole = random() < 0.5
  const content = whole ? kind.content(random) : withoutNulls(kind.part(random))
  const force = random() < 0.4 ? {force: 'true'} : {}
  return {
    method: 'PATCH',
    path: `${collection(kind, namespace)}/${name}?${options(random, force)}`,
    contentType: 'application/apply-patch+yaml',
    body: objectOf(kind, name, random() < 0.08 ? pick(random, kind.wrong)(content) : content, metadata(random)),
  }
}

/** An applied null is a field of its own kind, and nobody writes one. */
function withoutNulls(content: object): object {
  return JSON.parse(JSON.stringify(content, (_, value) => (value === null ? undefined : value)))
}

const remove: Maker = (random, kind, namespace) => {
  const path = `${collection(kind, namespace)}/${pick(random, names)}?propagationPolicy=Background`
  if (random() < 0.6) return {method: 'DELETE', path}
  const preconditions = {uid: '00000000-0000-0000-0000-000000000000'}
  return {method: 'DELETE', path, body: {apiVersion: 'v1', kind: 'DeleteOptions', preconditions}}
}

const read: Maker = (random, kind, namespace) => {
  const path = `${collection(kind, namespace)}/${pick(random, [...names, 'absent'])}`
  return {method: 'GET', path, ...(random() < 0.3 ? {accept: pick(random, [metadataOnly, asTable])} : {})}
}

const list: Maker = (random, kind, namespace) => {
  const selectors = [
    ...[
      '',
      'labelSelector=tier%3Da',
      'labelSelector=tier!%3Da',
      'labelSelector=tier%20in%20(a,b)',
      'labelSelector=!team',
    ],
    ...['fieldSelector=metadata.name%3Done', 'fieldSelector=metadata.name!%3Done', 'fieldSelector=spec.nonsense%3D1'],
    // With a label, since every namespace has a ConfigMap of the servers' own.
    ...['labelSelector=tier&limit=1', 'labelSelector=)('],
  ]
  const accept = pick(random, ['application/json', 'application/json', metadataList, asTable])
  return {method: 'GET', path: `${collection(kind, namespace)}?${pick(random, selectors)}`, accept}
}

const subresource: Maker = (random, kind, namespace) => {
  const name = pick(random, names)
  const which = pick(random, kind.subresources ?? [])
  const path = `${collection(kind, namespace)}/${name}/${which}`
  if (random() < 0.3) return {method: 'GET', path}
  const contentType = 'application/merge-patch+json'
  const replicas = pick(random, [2, 5])
  const statuses = [{phase: 'Healthy', spec: {}}, {phase: 'Progressing', replicas: 2}, {phase: 1}, {unknownField: 1}]
  const body = which === 'scale' ? {spec: {replicas}} : {spec: {replicas: 9}, status: pick(random, statuses)}
  return {method: 'PATCH', path: `${path}?${options(random)}`, contentType, body}
}

const makers: readonly [weight: number, make: Maker][] = [
  [4, create],
  [2, createWrong],
  [4, update],
  [4, patch],
  [6, apply],
  [2, remove],
  [2, read],
  [2, list],
]

/** A sequence of operations; the same for the same numbers. */
export function randomOperations(random: Random, namespace: string, length: number): Operation[] {
  const total = makers.reduce((sum, [weight]) => sum + weight, 0)
  // Two kinds at a time, so that operations meet the objects of others.
  const chosen = [pick(random, kinds), pick(random, kinds)]
  return Array.from({length}, () => {
    const kind = pick(random, chosen)
    if (kind.subresources && random() < 0.2) return subresource(random, kind, namespace)
    let at = random() * total
    const [, make] = makers.find(([weight]) => (at -= weight) < 0) ?? [0, read]
    return make(random, kind, namespace)
  })
}
