// Objects for the tests of the emulator.
import type {KubeObject} from '../../crds/meta.ts'
import {ApiError} from './errors.ts'
import {Store} from './store.ts'

/** A store whose clock stands still, with namespace `shop`. */
export function newStore(): Store {
  const store = new Store({now: () => Date.UTC(2030, 0, 1)})
  store.create({apiVersion: 'v1', kind: 'Namespace', metadata: {name: 'shop'}})
  return store
}

export function configMap(name: string, data: Record<string, string>, metadata: object = {}): KubeObject {
  return {apiVersion: 'v1', kind: 'ConfigMap', metadata: {name, namespace: 'shop', ...metadata}, data}
}

export function deployment(name: string, spec: object = {}): KubeObject {
  const labels = {app: name}
  const template = {metadata: {labels}, spec: {containers: [{name: 'app', image: 'example.com/app:1'}]}}
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {name, namespace: 'shop'},
    spec: {selector: {matchLabels: labels}, template, ...spec},
  }
}

/** A CRD of kind Widget (`widgets.example.com`) with the given schema of `spec`. */
export function widgetDefinition(spec: object, version: object = {}): KubeObject {
  const status = {
    type: 'object',
    properties: {phase: {type: 'string'}, replicas: {type: 'integer'}, selector: {type: 'string'}},
  }
  const schema = {openAPIV3Schema: {type: 'object', properties: {spec, status}}}
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {name: 'widgets.example.com'},
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: {plural: 'widgets', kind: 'Widget', shortNames: ['wd'], categories: ['all']},
      versions: [{name: 'v1', served: true, storage: true, schema, subresources: {status: {}}, ...version}],
    },
  }
}

export function widget(spec: object, metadata: object = {}): KubeObject {
  return {apiVersion: 'example.com/v1', kind: 'Widget', metadata: {name: 'w', namespace: 'shop', ...metadata}, spec}
}

/** The refusal of an action; fails when there was none. */
export function refusalOf(action: () => unknown): ApiError {
  try {
    action()
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('the action was not refused')
}
