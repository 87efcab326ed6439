// What a metrics system needs besides its folder in analysis/providers to be held to the contract of the port: how it is
// made, and its own answers, as they were recorded or documented.
import type {MetricErrorReason, MetricSample, MetricSeries, Metrics} from '../../../controller/ports.ts'
import type {HttpConfig} from '../../../crds/http-config.ts'

/** What an HTTP server answers. */
export interface Reply {
  status: number
  headers?: Record<string, string>
  body: string
}

export interface MetricsProvider {
  name: string
  create(options: {
    address: string
    timeoutMilliseconds?: number
    maximumBytes?: number
    httpConfig?: () => HttpConfig
  }): Metrics
  /** Paths under the address that instant and range queries are sent to. */
  paths: {query: string; queryRange: string}
  /** An answer without series, for tests of the way to it. */
  empty: {query: Reply; queryRange: Reply}
  /** Answers to instant queries that hold samples. */
  vectors: [name: string, reply: Reply, samples: MetricSample[]][]
  /** Answers to range queries that hold series. */
  matrices: [name: string, reply: Reply, series: MetricSeries[]][]
  /** Answers to both that hold no evidence; the message says what to do. */
  failures: [name: string, reply: Reply, reason: MetricErrorReason, message: RegExp][]
  /** The same for only one of them. */
  vectorFailures: [name: string, reply: Reply, reason: MetricErrorReason, message: RegExp][]
  matrixFailures: [name: string, reply: Reply, reason: MetricErrorReason, message: RegExp][]
}
