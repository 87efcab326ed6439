// A kubectl-compatible API emulator, for the demo, the playground and the tests. The public API:
//
//   const api = createApi({now})                 // in process; `now` in milliseconds, default Date.now
//   api.handle({method, path, query?, headers?, body?}) -> {status, headers, body}      // synchronous, no watches
//   api.store                                    // the typed, in-process store:
//     store.get(resource, namespace | undefined, name) -> KubeObject | undefined
//     store.list(resource, {namespace?, labelSelector?, fieldSelector?}) -> {items, resourceVersion}
//     store.create(object, options?) / store.update(object, options?) / store.updateStatus(object, options?)
//     store.patch(resource, namespace, name, 'merge' | 'json' | 'strategic', patch, {subresource?, ...options}?)
//     store.apply(object, {fieldManager, force?, subresource?, dryRun?})        // server-side apply
//     store.delete(resource, namespace, name, {propagationPolicy?, preconditions?, dryRun?}?)
//     store.watch(resource, listener, {namespace?, labelSelector?, fieldSelector?, initial?}?) -> () => void
//     store.compact()                            // forgets old events: older watches get 410
//   A resource is `plural.group`, or `plural` in the core group: 'pods', 'deployments.apps', 'rollouts.fairlead.dev'.
//   Objects that come back are frozen: clone before changing. Refusals throw ApiError {status, reason, message, details}.
//   Listeners are called synchronously, in order; a listener may write, its events are delivered after the current one.
//
//   const server = await startApiServer({port?, now?, host is 127.0.0.1})  -> {url, port, store, close()}
//   meshCrds: CustomResourceDefinitions of what the meshes read, to be created with store.create.
export {meshCrds} from './mesh-crds.ts'
export {type ApiServer, startApiServer} from './server.ts'
export {Store, type StoreOptions} from './store.ts'
export type {ApiRequest, ApiResponse, DeleteOptions, ListOptions, WatchEvent, WriteOptions} from './types.ts'
