// Routes of every mesh in the form in which requests are matched.

/** A request, as far as routes look at it. */
export interface RouteRequest {
  method: string
  /** Host without port. */
  host: string
  port: number
  /** Path without the query. */
  path: string
  query: URLSearchParams
  headers: Readonly<Record<string, string | string[] | undefined>>
  /** `mesh`, `namespace/name` of a gateway, or undefined for some gateway that isn't the mesh. */
  gateway: string | undefined
}

/** One weighted destination of a rule. */
export interface RouteDestination {
  /** Full name of the Service. */
  host: string
  port?: number
  weight: number
  /** How the mesh counts requests to it; by Istio's metrics when absent. */
  counted?: Counting
}

/** By Envoy Gateway's name for the backend, or by Linkerd's labels for the route. */
export type Counting = {by: 'envoyGateway'; cluster: string} | {by: 'linkerd'; route: Readonly<Record<string, string>>}

export interface RouteRule {
  /** One of them must match; undefined matches everything. */
  matches: ((request: RouteRequest) => boolean)[] | undefined
  /** Destinations that get requests; empty when the rule has none. */
  destinations: readonly RouteDestination[]
}

export interface Route {
  /** `namespace/name`. */
  id: string
  createdAt: string
  /** Full Service names, other names, and wildcards `*.example.com` or `*`. */
  hosts: readonly string[]
  gateways: readonly string[]
  rules: readonly RouteRule[]
  problems: readonly string[]
}

// biome-ignore lint/suspicious/noExplicitAny: routes are raw JSON; every field is read with care.
export type Loose = any
export type Condition = (request: RouteRequest) => boolean

export function list(value: Loose): Loose[] {
  return Array.isArray(value) ? value : []
}

/** Patterns that are longer are refused: they come from users and run on every request. */
export const maximumPatternLength = 512
