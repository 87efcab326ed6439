// What a run saw.
import type {KubeObject} from '../../../crds/meta.ts'
import type {SentRequest} from '../envoy/client.ts'

/** A part of the run; milliseconds since the epoch. */
export interface Chapter {
  from: number
  to: number
}

export interface Report {
  /** How kube-proxy says that it works. */
  proxy: string
  /** The Rollout is created, and the target's own pods go. */
  adoption: Chapter
  canary: Chapter
  /** A canary that is given up. */
  aborted: Chapter
  blueGreen: Chapter
  /** Back from a version that had everything already. */
  switchedBack: Chapter
  /** The Rollout is deleted: the target serves again. */
  deletion: Chapter
  /** Selector of the Service in the end, as JSON. */
  selector: string
  /** Every request, in the order in which they were sent. */
  requests: readonly SentRequest[]
  /** Every version of the Rollout, in the order in which etcd took them. */
  changes: KubeObject[]
}
