// A mesh of the simplest kind: one route object with two weights, one destination object per slot.
import type {KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import {
  features as all,
  type CounterFamily,
  type Feature,
  type Mesh,
  type MeshContext,
  type MeshProblem,
  type Support,
} from '../../mesh/types.ts'

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

const able: Support = {works: true, how: 'in the model'}
const features = Object.fromEntries(all.map(feature => [feature, able])) as Record<Feature, Support>

/** Never read here: the model's analysis is an oracle. */
const counters: CounterFamily = {
  side: 'caller',
  kind: 'requests',
  metrics: ['requests_total'],
  matchers: [],
  keyLabels: ['service'],
  keysOf: (context, slot) => [[context.slots[slot]]],
  workloadLabel: 'workload',
  outcomeOf: () => 'answered',
  millisecondsPerBound: 1,
}

/**
 * @param settlingMilliseconds time after which a route counts as in force.
 * @param silent the mesh's controller has not answered for the route as it is now.
 */
export function modelMesh(settlingMilliseconds: number, silent: boolean): Mesh {
  return {
    name: 'model',
    kinds: [
      {apiVersion, kind: 'Route', plural: 'routes'},
      {apiVersion, kind: 'Destination', plural: 'destinations'},
      {apiVersion, kind: 'Fault', plural: 'faults'},
    ],
    claims: () => [],
    interests: () => [],
    renderDestinations: (context, slots, _objects, protection) => [
      ...slots.map(slot => {
        const safeguards = protection?.slot === slot ? protection.safeguards : {}
        const limits = Object.keys(safeguards).length > 0 ? {safeguards} : {}
        return object(context, 'Destination', context.slots[slot], limits)
      }),
      ...(protection?.faults ?? []).map(fault => object(context, 'Fault', fault.service, {...fault})),
    ],
    renderRoutes: (context, split) => [object(context, 'Route', context.apex.name, {...split})],
    renderReturned: () => [],
    routedPorts: context => context.apex.ports.map(({port}) => port),
    features,
    read(context, objects) {
      const spec = objects.find(one => one.kind === 'Route' && one.metadata.name === context.apex.name)?.spec
      return spec && {a: spec.a, b: spec.b, ...(spec.apart ? {apart: spec.apart} : {})}
    },
    settlingMilliseconds: () => settlingMilliseconds,
    confirmed(context, _objects, inForceSince, now) {
      const again = inForceSince + settlingMilliseconds
      if (silent) return {confirmed: false, waitingFor: noAnswer(context), ...(now < again ? {again} : {})}
      return now >= again ? {confirmed: true} : {confirmed: false, again}
    },
    problems: () => [],
    counters: [counters],
  }
}

function noAnswer(context: MeshContext): MeshProblem {
  return {
    reason: 'NoAnswer',
    object: `Route ${context.rollout.namespace}/${context.apex.name}`,
    field: 'status',
    problem: 'the controller has not answered',
    fix: 'start it',
  }
}
