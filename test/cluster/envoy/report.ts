// What a run saw.
import type {KubeObject} from '../../../crds/meta.ts'
import type {SentRequest} from './client.ts'

export interface Report {
  /** Version of the Envoy that carried the traffic, as it says itself. */
  envoy: string
  /** From the start of the controller until the slot serves. */
  adoptionMilliseconds: number
  good: ReleaseTimes
  bad: ReleaseTimes
  /** A release that is superseded while the controller is down; its successor breaks at `brokenAt`, with all traffic. */
  troubled: ReleaseTimes & {brokenAt: number}
  /** Every request, in the order in which they were sent. */
  requests: readonly SentRequest[]
  /** Every version of the Rollout and of its HTTPRoute, in the order in which etcd took them. */
  changes: KubeObject[]
}

/** Milliseconds since the epoch. */
export interface ReleaseTimes {
  mergedAt: number
  endedAt: number
}
