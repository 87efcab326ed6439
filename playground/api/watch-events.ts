// What an event of the storage means to a watcher who sees only some objects.
import type {KubeObject} from '../../crds/meta.ts'
import type {Predicate} from './selectors.ts'
import type {StoreEvent, WatchEvent} from './types.ts'

/** The event as a watcher with a selector sees it: an object that starts to match is added, one that stops is deleted. */
export function narrow(
  event: StoreEvent,
  predicate: Predicate,
  shown: (object: KubeObject) => KubeObject,
): WatchEvent | undefined {
  const object = shown(event.object)
  const matched = event.previous !== undefined && predicate(shown(event.previous))
  const matches = event.type !== 'DELETED' && predicate(object)
  if (matches) return {type: matched ? 'MODIFIED' : 'ADDED', object}
  if (!matched) return undefined
  return {type: 'DELETED', object: event.type === 'DELETED' ? object : lastMatching(event, shown)}
}

// The state that still matched, under the resource version of the change, so that the watch resumes after it.
function lastMatching(event: StoreEvent, shown: (object: KubeObject) => KubeObject): KubeObject {
  const previous = shown(event.previous ?? event.object)
  return {...previous, metadata: {...previous.metadata, resourceVersion: String(event.resourceVersion)}}
}
