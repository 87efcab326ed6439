// What two servers may differ in: identifiers, times, addresses, and what their own controllers write beside the test.
import type {Answer} from './server.ts'

// biome-ignore lint/suspicious/noExplicitAny: any answer of any server.
type Loose = any

/** Managers that are controllers of the servers and not part of the test. */
const background = /^(kube-controller-manager|playground.*)$/
/** Kinds whose status others write. */
const foreignStatus: ReadonlySet<string> = new Set(['Deployment', 'HorizontalPodAutoscaler'])
const ownedByServers: ReadonlySet<string> = new Set(['kube-root-ca.crt'])

/** Columns of what a server says of its own. */
const ownCells: ReadonlySet<string> = new Set(['Age', 'Cluster-IP'])

export function normalised({status, body}: Answer): object {
  if (body.kind === 'Status') return {status, ...refusal(body)}
  return {status, body: value(body)}
}

/** What a refusal means: its words are the server's own. */
function refusal({reason, details, status}: Loose): object {
  const causes = (details?.causes ?? []).map(({field = '', reason: why = ''}: Loose) => `${field}: ${why}`).toSorted()
  return {outcome: status, reason, name: details?.name, kind: details?.kind, causes}
}

function value(of: Loose): Loose {
  if (Array.isArray(of)) return of.map(value)
  if (of === null || typeof of !== 'object') return of
  if (of.kind === 'Table') return table(of)
  const copy: Loose = {}
  for (const [key, inner] of Object.entries<Loose>(of)) {
    if (key === 'metadata') copy.metadata = foreignStatus.has(of.kind) ? ungenerated(metadata(inner)) : metadata(inner)
    else if (key === 'status' && foreignStatus.has(of.kind)) continue
    else if (key === 'items') copy.items = items(inner, of.kind.replace(/List$/, ''))
    else if (['clusterIP', 'clusterIPs'].includes(key)) copy[key] = inner === 'None' ? inner : 'address'
    else if (key === 'nodePort') copy[key] = 'port'
    else copy[key] = value(inner)
  }
  return copy
}

function items(all: Loose, kind: string): Loose {
  const own = (all ?? []).filter(({metadata: {name}}: Loose) => !ownedByServers.has(name))
  // Items of lists do not name their kind.
  return own.map((item: Loose) => value(foreignStatus.has(kind) ? {...item, status: undefined} : item))
}

/** Rows by their cells, without an age. */
function table({columnDefinitions, rows}: Loose): object {
  const shown = columnDefinitions.map(({name}: Loose) => name)
  return {
    columns: columnDefinitions.map(({name, type, priority}: Loose) => [name, type, priority]),
    rows: (rows ?? [])
      .filter(({cells}: Loose) => !ownedByServers.has(cells[0]))
      .map(({cells}: Loose) => cells.map((cell: Loose, index: number) => (ownCells.has(shown[index]) ? 'own' : cell))),
  }
}

function metadata(of: Loose): Loose {
  if (of === undefined || of === null) return of
  const {
    uid,
    resourceVersion: _version,
    creationTimestamp,
    deletionTimestamp,
    managedFields,
    continue: _token,
    ...rest
  } = of
  // With a selector the real server can't know whether a next page would hold anything.
  // A dry run shows the version that it was sent, or none.
  const {remainingItemCount: _, ...kept} = rest
  return {
    ...kept,
    ...(uid === undefined ? {} : {uid: 'uid'}),
    ...(creationTimestamp ? {creationTimestamp: 'time'} : {}),
    ...(deletionTimestamp ? {deletionTimestamp: 'time'} : {}),
    ...(managedFields === undefined ? {} : {managedFields: managers(managedFields)}),
  }
}

/** A Deployment's controller annotates it, and that raises its generation. */
function ungenerated({generation: _, annotations = {}, ...rest}: Loose): Loose {
  const {'deployment.kubernetes.io/revision': _revision, ...own} = annotations
  return {...rest, ...(Object.keys(own).length > 0 ? {annotations: own} : {})}
}

function managers(entries: Loose[]): Loose[] {
  return entries
    .filter(({manager}) => !background.test(manager))
    .map(({time: _time, ...entry}) => entry)
    .toSorted((left, right) => (nameOf(left) < nameOf(right) ? -1 : 1))
}

function nameOf({manager, operation, subresource = '', apiVersion}: Loose): string {
  return [manager, operation, subresource, apiVersion].join('/')
}
