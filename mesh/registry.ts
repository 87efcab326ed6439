// Every mesh that Fairlead knows, under its key in `spec.traffic`. A name that isn't here is an error, never a default.
import {gatewayAPI} from './gateway-api/index.ts'
import {istio} from './istio/index.ts'
import {linkerd} from './linkerd/index.ts'
import {none} from './none/index.ts'
import type {Mesh, MeshContext} from './types.ts'

export const meshes: Readonly<Record<keyof MeshContext['traffic'], Mesh>> = {istio, gatewayAPI, linkerd, none}

/** The mesh whose key is set; undefined when none or several are. */
export function meshOf(traffic: MeshContext['traffic']): Mesh | undefined {
  const set = (Object.keys(meshes) as (keyof typeof meshes)[]).filter(key => traffic[key] !== undefined)
  const [only] = set
  return set.length === 1 && only ? meshes[only] : undefined
}
