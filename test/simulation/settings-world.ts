// A world in which nothing is missing, for what the core says of a Rollout's settings beside a real mesh.
import type {Observation} from '../../controller/core/observation.ts'
import {contextOf} from '../../controller/shell/mesh-context.ts'
import type {KubeObject} from '../../crds/meta.ts'
import {meshOf} from '../../mesh/registry.ts'
import {ModelCluster} from './model-cluster.ts'
import {settings} from './usual-settings.ts'

/** The model's own world, before anything of the Rollout is there. */
export function plainWorld(): Observation {
  return new ModelCluster(settings, () => 'pass').observe()
}

/**
 * The same beside the mesh that a spec names.
 * @param ports of the apex Service
 * @param meshObjects that the mesh looks at, such as routes of the user's
 */
export function worldBeside(
  world: Observation,
  spec: Observation['spec'],
  ports: readonly object[],
  meshObjects: KubeObject[],
): Observation {
  const mesh = meshOf(spec.traffic)
  if (!mesh) throw new Error('no mesh')
  const apex = {...world.apex, spec: {...world.apex?.spec, ports}} as KubeObject
  return {...world, spec, mesh, meshContext: contextOf(world.rollout, spec, apex), apex, meshObjects}
}
