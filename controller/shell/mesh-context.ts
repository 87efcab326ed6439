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

/**
 * @param apex the apex Service, whose ports, selector and labels count; those of the spec where it is not known
 * @param slot the Service of a slot, which still has the ports of an apex Service that was deleted
 */
export function contextOf(
  rollout: KubeObject,
  spec: RolloutSpec,
  apex: KubeObject | undefined,
  slot?: KubeObject,
): MeshContext {
  const {name, namespace = '', uid = ''} = rollout.metadata
  // Services of the user's may have ports of their own.
  const kept: ServicePort[] | undefined = spec.serviceRefs ? undefined : slot?.spec?.ports
  return {
    rollout: {name, namespace, uid},
    apex: {
      name: apexNameOf(rollout, spec),
      ports: apex?.spec?.ports ?? spec.service.ports?.map(declared) ?? kept ?? [],
      ...(apex?.spec?.selector ? {selector: apex.spec.selector} : {}),
      ...(apex?.metadata.labels ? {labels: apex.metadata.labels} : {}),
    },
    slots: slotNamesOf(rollout, spec),
    baseline: baselineNameOf(baseNameOf(name, spec)),
    traffic: spec.traffic,
    routing: routingOf(spec, name),
  }
}

/** A port of the spec without what it leaves open. */
function declared(port: object): ServicePort {
  return Object.fromEntries(Object.entries(port).filter(([, value]) => value !== undefined)) as unknown as ServicePort
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
