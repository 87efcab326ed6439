// A custom kind for one `describe` of the contract.
import {afterAll, beforeAll} from 'vitest'
import type {KubeObject} from '../../../crds/meta.ts'
import {type Bench, until} from './bench.ts'
import {widgetDefinition} from './objects.ts'

interface Widgets {
  group: string
  /** A Widget of the bench's namespace. */
  widget(name: string, spec: object): KubeObject
}

/** Installs a kind Widget under a group of the bench's own; to be called after `useBench`. */
export function useWidgets(bench: () => Bench): () => Widgets {
  const groupOf = () => `${bench().namespace}.example.com`
  beforeAll(async () => {
    await bench().client.create(widgetDefinition(groupOf()))
    await until(async () => (await bench().client.scopeOf(`${groupOf()}/v1`, 'Widget')) === 'Namespaced', 'kind Widget')
    // The kind is discovered a moment before its storage serves it.
    const {client, namespace} = bench()
    const query = {apiVersion: `${groupOf()}/v1`, kind: 'Widget', namespace}
    await until(
      () =>
        client.list(query).then(
          () => true,
          () => false,
        ),
      'list of Widgets',
    )
  })
  afterAll(async () => {
    const definition = widgetDefinition(groupOf())
    await bench().client.delete(
      {apiVersion: definition.apiVersion, kind: definition.kind, name: definition.metadata.name},
      {},
    )
  })
  return () => {
    const {namespace} = bench()
    const group = groupOf()
    return {
      group,
      widget: (name, spec) => ({apiVersion: `${group}/v1`, kind: 'Widget', metadata: {namespace, name}, spec}),
    }
  }
}
