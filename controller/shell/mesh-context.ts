// What a mesh is told of a Rollout.
import {durationMilliseconds} from '../../crds/common.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {baseNameOf} from '../../crds/names.ts'
import type {RolloutSpec} from '../../crds/rollout.ts'
import type {MeshContext, Routing, ServicePort} from '../../mesh/types.ts'
import {baselineNameOf, slotNameOf} from '../core/manifests.ts'

/** Name of the apex Service. */
export function apexNameOf(rollout: KubeObject, spec: RolloutSpec): string {
  return spec.service.name ?? baseNameOf(rollout.metadata.name, spec)
}

/** Names of the slots: of their Services, and of their workloads where these are Fairlead's. */
export function slotNamesOf({metadata: {name}}: KubeObject, spec: RolloutSpec): {a: string; b: string} {
  const base = baseNameOf(name, spec)
  return {a: spec.serviceRefs?.a ?? slotNameOf(base, 'a'), b: spec.serviceRefs?.b ?? slotNameOf(base, 'b')}
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
      name: apexNameOf(rollout, spec),
      ports: apex?.spec?.ports ?? declared,
      ...(apex?.spec?.selector ? {selector: apex.spec.selector} : {}),
      ...(apex?.metadata.labels ? {labels: apex.metadata.labels} : {}),
    },
    slots: slotNamesOf(rollout, spec),
    baseline: baselineNameOf(baseNameOf(name, spec)),
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
