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
  /** Further splits, one after the other: while each is applied requests go on, and afterwards all of them once more. */
  then?: Split[]
}

export interface Request {
  /** Where it is sent: a name of the site's. */
  from: string
  /** HTTP when absent; `tcp` is a connection that asks for the name of whoever answers. */
  protocol?: 'grpc' | 'tcp'
  host: string
  path?: string
  headers?: Record<string, string>
}

export interface Observed {
  status: number
  /** Why there was no answer; its status is 0. */
  error?: string
  /** From the trailers, where the request was gRPC. */
  grpcStatus?: string
  /** Which server answered; absent when a proxy did. */
  server?: string
  cookies: string[]
  milliseconds: number
  /** In milliseconds of any clock, where requests were sent one after the other while a split changed. */
  endedAt?: number
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
    /** What became of the requests of each further split: those under way meanwhile, and those after it. */
    moves: {meanwhile: Observed[]; after: Observed[]}[]
    /** Every request that any server got, copies included. */
    received: {server: string; host: string}[]
    /** Requests that the proxies counted for each slot, where that was looked at, and those of them that failed. */
    counted?: {a: number; b: number}
    failed?: {a: number; b: number}
    /** What would be given back. */
    returned: KubeObject[]
  }
>
