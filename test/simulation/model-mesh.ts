// A mesh of the simplest kind: one route object with two weights, one destination object per slot.
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import type {Mesh, MeshContext} from '../../mesh/types.ts'

const apiVersion = 'mesh.test/v1'

function object(context: MeshContext, kind: string, name: string, spec: object): KubeObject {
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      namespace: context.rollout.namespace,
      labels: {[labels.rollout]: context.rollout.name},
      annotations: {[annotations.owner]: context.rollout.uid},
    },
    spec,
  }
}

/** @param settlingMilliseconds time after which a route counts as in force. */
export function modelMesh(settlingMilliseconds: number): Mesh {
  return {
    name: 'model',
    kinds: [
      {apiVersion, kind: 'Route', plural: 'routes'},
      {apiVersion, kind: 'Destination', plural: 'destinations'},
    ],
    renderDestinations: (context, slots) => slots.map(slot => object(context, 'Destination', context.slots[slot], {})),
    renderRoute: (context, weights) => object(context, 'Route', context.apex.name, {...weights}),
    read(context, objects) {
      const spec = objects.find(one => one.kind === 'Route' && one.metadata.name === context.apex.name)?.spec
      return spec && {a: spec.a, b: spec.b}
    },
    confirmed(_context, inForceSince, now) {
      const again = inForceSince + settlingMilliseconds
      return now >= again ? {confirmed: true} : {confirmed: false, again}
    },
    problems: () => [],
    metricQueries: () => [],
    requestCounters: () => [],
  }
}
