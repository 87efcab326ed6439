// What is tried through a mesh's real parts, and what a run saw.
import type {KubeObject} from '../../../crds/meta.ts'
import type {Split} from '../../../crds/rollout-status.ts'
import type {MeshContext, Protection} from '../../../mesh/types.ts'

/** A wish for the traffic, and requests that tell whether it came true. */
export interface Scenario {
  context: MeshContext
  split: Split
  protection?: Protection
  /** Objects of the user's. */
  users?: KubeObject[]
  /** Servers that answer with status 503. */
  failing?: string[]
  requests: Request[]
}

export interface Request {
  /** Where it is sent: a name of the site's. */
  from: string
  host: string
  path?: string
  headers?: Record<string, string>
  /** A gRPC call without a message. */
  grpc?: true
}

export interface Observed {
  status: number
  /** The gRPC status of a call. */
  grpcStatus?: string
  /** Which server answered; absent when a proxy did. */
  server?: string
  cookies: string[]
  milliseconds: number
}

/** By the name of the scenario. */
export type Report = Record<
  string,
  {
    /** Objects that would be applied once more though nothing changed. */
    outstanding: string[]
    /** What the mesh reads back from the API server. */
    read?: Split
    observed: Observed[]
    /** Every request that any server got, copies included. */
    received: {server: string; host: string}[]
    /** Requests that the proxies counted for each slot, where that was looked at, and those of them that failed. */
    counted?: {a: number; b: number}
    failed?: {a: number; b: number}
    /** What would be given back. */
    returned: KubeObject[]
  }
>
