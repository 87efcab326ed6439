// Watches over HTTP: one JSON line per event, until the client leaves, the time is up, or the client is too slow.
import type {KubeObject} from '../../crds/meta.ts'
import {ApiError, badRequest, invalid} from './errors.ts'
import type {ResourcePath} from './request-path.ts'
import {apiVersionOf} from './resources.ts'
import {selectionPredicate} from './selectors.ts'
import type {Store} from './store.ts'
import {partialMetadata, presentationOf, table} from './table.ts'
import type {ApiRequest, ResourceDefinition, WatchEvent} from './types.ts'
import {narrow} from './watch-events.ts'
import type {Target} from './writer.ts'

/** Where the lines of a watch go. */
interface WatchSink {
  /** Sends one line; false when the client reads too slowly to go on. */
  send(line: string): boolean
  end(): void
}

const defaultBookmarkSeconds = 30
const defaultTimeoutSeconds = 1800
const maximumTimeoutSeconds = 24 * 3600

/** Turns events into what the client asked to see. */
class EventFormat {
  private readonly store: Store
  private readonly target: Target
  private readonly shape: 'object' | 'table' | 'metadata'
  private readonly includeObject: 'Object' | 'Metadata' | 'None'

  constructor(store: Store, target: Target, request: ApiRequest) {
    this.store = store
    this.target = target
    this.shape = presentationOf(request.headers?.['accept'])
    const included = request.query?.['includeObject']
    this.includeObject = included === 'Object' || included === 'None' ? included : 'Metadata'
  }

  line(type: string, object: KubeObject): string {
    return `${JSON.stringify({type, object: this.shaped(object)})}\n`
  }

  bookmark(resourceVersion: string, annotations?: Record<string, string>): string {
    const {definition, version} = this.target
    const metadata = {resourceVersion, creationTimestamp: null, ...(annotations === undefined ? {} : {annotations})}
    const apiVersion = apiVersionOf(definition.group, version.name)
    const object = {kind: definition.kind, apiVersion, metadata} as unknown as KubeObject
    if (this.shape !== 'table') return this.line('BOOKMARK', object)
    const rows = annotations === undefined ? [] : [{cells: [], object: partialMetadata(object)}]
    const empty = {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: {resourceVersion},
      columnDefinitions: [],
      rows,
    }
    return `${JSON.stringify({type: 'BOOKMARK', object: empty})}\n`
  }

  private shaped(object: KubeObject): object {
    if (this.shape === 'metadata') return partialMetadata(object)
    if (this.shape === 'object') return object
    const metadata = {resourceVersion: object.metadata.resourceVersion}
    const options = {metadata, now: this.store.now(), includeObject: this.includeObject, headers: true}
    return table([object], this.target.version, options)
  }
}

function timeoutSeconds(request: ApiRequest): number {
  const value = Number(request.query?.['timeoutSeconds'] ?? defaultTimeoutSeconds)
  if (!Number.isFinite(value) || value < 0) throw badRequest('timeoutSeconds must be a number that is not negative')
  return Math.min(value === 0 ? defaultTimeoutSeconds : value, maximumTimeoutSeconds)
}

function requireInitialEventsMatch({query = {}}: ApiRequest, {group, kind}: ResourceDefinition): void {
  if (query['sendInitialEvents'] === undefined || query['resourceVersionMatch'] === 'NotOlderThan') return
  const field = query['resourceVersionMatch'] ? 'resourceVersionMatch' : 'sendInitialEvents'
  const message = 'Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'
  throw invalid(group, `${kind}List`, '', [{reason: 'FieldValueForbidden', field, message}])
}

// The events to begin with: the present state, or what happened since a resource version.
function opening(store: Store, target: Target, path: ResourcePath, request: ApiRequest, format: EventFormat): string[] {
  const {query = {}} = request
  const {labelSelector = '', fieldSelector = '', resourceVersion = ''} = query
  const options = {namespace: path.namespace ?? '', labelSelector, fieldSelector}
  const present = () => store.listThrough(target, options).items.map(object => format.line('ADDED', object))
  requireInitialEventsMatch(request, target.definition)
  if (query['sendInitialEvents'] === 'true') {
    const bookmark = format.bookmark(String(store.storage.resourceVersion), {'k8s.io/initial-events-end': 'true'})
    return query['allowWatchBookmarks'] === 'true' ? [...present(), bookmark] : present()
  }
  if (resourceVersion === '' || resourceVersion === '0') return query['sendInitialEvents'] === 'false' ? [] : present()
  const since = Number(resourceVersion)
  if (!Number.isInteger(since) || since < 0) {
    // kube-apiserver tells a watch of this as a fault of its own.
    const why = `resourceVersion: Invalid value: "${resourceVersion}": must be a whole number that is not negative`
    throw new ApiError(500, 'InternalError', why)
  }
  const predicate = selectionPredicate(target.definition.id, options)
  const shown = (object: KubeObject) => store.shown(target, object)
  const storageId = target.definition.alias?.id ?? target.definition.id
  const events = store.storage.eventsSince(storageId, since).map(event => narrow(event, predicate, shown))
  return events.filter(event => event !== undefined).map(event => format.line(event.type, event.object))
}

function openingOrError(...parameters: Parameters<typeof opening>): {lines: string[]; failed: boolean} {
  try {
    return {lines: opening(...parameters), failed: false}
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 410) throw error
    return {lines: [`${JSON.stringify({type: 'ERROR', object: error.toStatus()})}\n`], failed: true}
  }
}

/**
 * Starts a watch; the returned function ends it. A resource version that was forgotten is told as an ERROR event with
 * 410; a malformed request throws.
 */
export function startWatch(
  store: Store,
  request: ApiRequest,
  path: ResourcePath,
  openSink: () => WatchSink,
): () => void {
  const target = store.target(path.resource, path.version)
  const {labelSelector = '', fieldSelector = ''} = request.query ?? {}
  const options = {namespace: path.namespace ?? '', labelSelector, fieldSelector}
  selectionPredicate(path.resource, options)
  const seconds = timeoutSeconds(request)
  const format = new EventFormat(store, target, request)
  const {lines, failed} = openingOrError(store, target, path, request, format)
  const sink = openSink()
  let stopped = false
  const cancellations: (() => void)[] = []
  const stop = () => {
    if (stopped) return
    stopped = true
    for (const cancel of cancellations) cancel()
    sink.end()
  }
  const send = (line: string) => {
    if (!stopped && !sink.send(line)) stop()
  }
  if (lines.length > 0) send(lines.join(''))
  if (failed || stopped) {
    stop()
    return stop
  }
  const listener = (event: WatchEvent) => send(format.line(event.type, event.object))
  cancellations.push(store.watch(path.resource, followVersion(store, target, listener), options))
  const end = setTimeout(stop, seconds * 1000)
  cancellations.push(() => clearTimeout(end))
  if (request.query?.['allowWatchBookmarks'] === 'true') {
    const tick = () => send(format.bookmark(String(store.storage.resourceVersion)))
    const bookmarks = setInterval(tick, defaultBookmarkSeconds * 1000)
    cancellations.push(() => clearInterval(bookmarks))
  }
  return stop
}

// The store's own watch shows the storage version; a request may have come through another one.
function followVersion(
  store: Store,
  target: Target,
  listener: (event: WatchEvent) => void,
): (event: WatchEvent) => void {
  if (target.definition.alias !== undefined) return listener
  return event => listener({type: event.type, object: store.shown(target, event.object)})
}
