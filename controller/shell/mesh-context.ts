// What a mesh is told of a Rollout.
import {durationMilliseconds} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {MeshContext, Routing, ServicePort} from '../../mesh/types.ts'
import {baselineNameOf, slotNameOf} from '../core/manifests.ts'

/** Name of the apex Service. */
export function apexNameOf(spec: RolloutSpec): string {
  return spec.service.name ?? spec.targetRef.name
}

/** @param apex the apex Service, whose ports, selector and labels count; those of the spec where it is not known */
export function contextOf(rollout: KubeObject, spec: RolloutSpec, apex: KubeObject | undefined): MeshContext {
  const {name, namespace = '', uid = ''} = rollout.metadata
  const declared: ServicePort[] = (spec.service.ports ?? []).map(
    port =>
      Object.fromEntries(Object.entries(port).filter(([, value]) => value !== undefined)) as unknown as ServicePort,
  )
  return {
    rollout: {name, namespace, uid},
    apex: {
      name: apexNameOf(spec),
      ports: apex?.spec?.ports ?? declared,
      ...(apex?.spec?.selector ? {selector: apex.spec.selector} : {}),
      ...(apex?.metadata.labels ? {labels: apex.metadata.labels} : {}),
    },
    slots: {a: slotNameOf(spec.targetRef.name, 'a'), b: slotNameOf(spec.targetRef.name, 'b')},
    baseline: baselineNameOf(spec.targetRef.name),
    traffic: spec.traffic,
    routing: routingOf(spec, name),
  }
}

function routingOf({strategy: {canary, abTest}}: RolloutSpec, rollout: string): Routing {
  const sticky = canary?.sticky ?? abTest?.sticky
  return {
    matches: canary?.match ?? abTest?.match ?? [],
    field: `spec.strategy.${canary ? 'canary' : 'abTest'}.match`,
    ...(sticky
      ? {
          sticky: {
            cookie: sticky.cookie ?? `fairlead-${rollout}`,
            maxAgeSeconds: Math.round(durationMilliseconds(sticky.maxAge) / 1000),
          },
        }
      : {}),
  }
}
