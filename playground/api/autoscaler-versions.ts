// autoscaling/v1, which `kubectl autoscale` writes: the target share of CPU in place of a list of metrics.
import type {KubeObject} from '../../crds/meta.ts'
import {isObject, type Value, without} from './objects.ts'
import {atomic, integer, long, object, text, time, withDefault} from './schema.ts'
import {kindSchema} from './schemas-meta.ts'

const schema = kindSchema({
  spec: object({
    'scaleTargetRef!': atomic(object({apiVersion: text, 'kind!': text, 'name!': text})),
    minReplicas: withDefault(integer, 1),
    'maxReplicas!': {...integer, minimum: 1},
    targetCPUUtilizationPercentage: integer,
  }),
  status: object({
    observedGeneration: long,
    lastScaleTime: time,
    currentReplicas: integer,
    desiredReplicas: integer,
    currentCPUUtilizationPercentage: integer,
  }),
})

function isCpuUtilization(metric: Value): boolean {
  const target = metric?.resource?.target
  return metric?.type === 'Resource' && metric.resource?.name === 'cpu' && target?.type === 'Utilization'
}

function fromStorage(stored: KubeObject): KubeObject {
  const {metrics = [], ...spec} = without(stored['spec'] ?? {}, 'behavior') as {metrics?: Value[]}
  const cpu = metrics.find(isCpuUtilization)?.resource.target.averageUtilization
  const share = cpu === undefined ? {} : {targetCPUUtilizationPercentage: cpu}
  return {...stored, apiVersion: 'autoscaling/v1', spec: {...spec, ...share}}
}

function toStorage(shown: KubeObject): KubeObject {
  const {targetCPUUtilizationPercentage: averageUtilization, ...spec} = isObject(shown['spec']) ? shown['spec'] : {}
  const target = {type: 'Utilization', averageUtilization}
  const metrics = averageUtilization === undefined ? [] : [{type: 'Resource', resource: {name: 'cpu', target}}]
  return {...shown, apiVersion: 'autoscaling/v2', spec: {...spec, ...(metrics.length === 0 ? {} : {metrics})}}
}

/** HorizontalPodAutoscaler as autoscaling/v1 shows it; it is stored as autoscaling/v2. */
export const firstAutoscalerVersion = {name: 'v1', schema, conversion: {fromStorage, toStorage}}
