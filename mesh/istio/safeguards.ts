// What protects others from a version that isn't proven yet, beyond its share: a DestinationRule's limits, and EnvoyFilters
// on the pods of its slot. Istio has no object of its own for a local rate limit or for faults of one caller: a
// VirtualService for the Service that is called would clash with the one that its owner has.

import {durationMilliseconds} from '../../crds/common.ts'
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import type {Safeguards} from '../../crds/safeguards.ts'
import type {SlotName} from '../../crds/slots.ts'
import type {Fault} from '../../crds/strategy.ts'
import {isObject, listOf} from '../shared/json.ts'
import {isOwn, ownMetadata} from '../shared/own.ts'
import type {MeshContext, MeshObjects, Protection} from '../types.ts'
import {namedObject, objectsOf} from './context.ts'

export const envoyFilterApiVersion = 'networking.istio.io/v1alpha3'

/** Shortest time in which Envoy refills a bucket of tokens (LocalRateLimit, token_bucket.fill_interval). */
const shortestFillMilliseconds = 50

/** Names of the EnvoyFilters of one slot. */
export function envoyFilterNames(context: MeshContext, slot: SlotName): {rateLimit: string; faults: string} {
  return {rateLimit: `${context.slots[slot]}-rate-limit`, faults: `${context.slots[slot]}-faults`}
}

/** The EnvoyFilters of a protected slot. */
export function renderEnvoyFilters(context: MeshContext, {slot, safeguards, faults}: Protection): KubeObject[] {
  const names = envoyFilterNames(context, slot)
  const filters: KubeObject[] = []
  if (safeguards.rateLimit) {
    filters.push(envoyFilter(context, slot, names.rateLimit, [rateLimitPatch(safeguards.rateLimit)]))
  }
  if (faults.length > 0) filters.push(envoyFilter(context, slot, names.faults, faults.map(faultPatch(context))))
  return filters
}

/** The slot whose calls to other Services meet faults now, by the objects in the cluster. */
export function faultedSlot(context: MeshContext, objects: MeshObjects): SlotName | undefined {
  const filters = objectsOf(objects, 'EnvoyFilter').filter(filter => isOwn(context, filter))
  return (['a', 'b'] as const).find(slot => namedObject(context, filters, envoyFilterNames(context, slot).faults))
}

function envoyFilter(context: MeshContext, slot: SlotName, name: string, configPatches: JsonObject[]): KubeObject {
  return {
    apiVersion: envoyFilterApiVersion,
    kind: 'EnvoyFilter',
    metadata: ownMetadata(context, name, {[labels.slot]: slot}),
    spec: {
      workloadSelector: {labels: {[labels.rollout]: context.rollout.name, [labels.slot]: slot}},
      configPatches,
    },
  }
}

/** A filter that stands before all others of its side's HTTP connections. */
function firstFilter(side: 'SIDECAR_INBOUND' | 'SIDECAR_OUTBOUND', name: string, config: JsonObject): JsonObject {
  return {
    applyTo: 'HTTP_FILTER',
    match: {
      context: side,
      listener: {filterChain: {filter: {name: 'envoy.filters.network.http_connection_manager'}}},
    },
    patch: {operation: 'INSERT_FIRST', value: {name, typed_config: config}},
  }
}

const always = {default_value: {numerator: 100, denominator: 'HUNDRED'}}

function rateLimitPatch({requests, per}: NonNullable<Safeguards['rateLimit']>): JsonObject {
  const milliseconds = durationMilliseconds(per)
  const times = Math.max(1, Math.ceil(shortestFillMilliseconds / milliseconds))
  return firstFilter('SIDECAR_INBOUND', 'fairlead.rate-limit', {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit',
    stat_prefix: 'fairlead_rate_limit',
    token_bucket: {
      max_tokens: requests * times,
      tokens_per_fill: requests * times,
      fill_interval: seconds(milliseconds * times),
    },
    filter_enabled: always,
    filter_enforced: always,
  })
}

/** A fault meets requests by the name that they call, whatever route they take then; not those to an address. */
function faultPatch(context: MeshContext): (fault: Fault, index: number) => JsonObject {
  return ({service, percent, delay, abort}, index) => {
    const percentage = {numerator: percent, denominator: 'HUNDRED'}
    const name = `${service}(\\.${context.rollout.namespace}(\\.svc(\\.cluster\\.local)?)?)?(:[0-9]+)?`
    return firstFilter('SIDECAR_OUTBOUND', `fairlead.fault.${index}`, {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault',
      headers: [{name: ':authority', string_match: {safe_regex: {regex: name}}}],
      ...(delay === undefined ? {} : {delay: {fixed_delay: seconds(durationMilliseconds(delay)), percentage}}),
      ...(abort === undefined ? {} : {abort: {http_status: abort, percentage}}),
    })
  }
}

/** A duration as protobuf's JSON writes it. */
function seconds(milliseconds: number): string {
  return `${milliseconds / 1000}s`
}

/**
 * A policy with the breaker's limits, which win over the same limits of the user's. Settings of single ports hide those of
 * the whole in Istio, so each of them gets the limits too.
 */
export function withCircuitBreaker(policy: JsonObject, breaker: NonNullable<Safeguards['circuitBreaker']>): JsonObject {
  const limited = {...policy, ...limitsOn(policy, breaker)}
  if (!Array.isArray(policy.portLevelSettings)) return limited
  const ports = listOf(policy.portLevelSettings).map(settings => ({...settings, ...limitsOn(settings, breaker)}))
  return {...limited, portLevelSettings: ports}
}

function limitsOn(settings: JsonObject, breaker: NonNullable<Safeguards['circuitBreaker']>): JsonObject {
  const {maxConnections, maxPendingRequests, maxRequests, consecutiveErrors, ejectionTime} = breaker
  const pool = isObject(settings.connectionPool) ? settings.connectionPool : {}
  const tcp = {...(maxConnections === undefined ? {} : {maxConnections})}
  const http = {
    ...(maxPendingRequests === undefined ? {} : {http1MaxPendingRequests: maxPendingRequests}),
    ...(maxRequests === undefined ? {} : {http2MaxRequests: maxRequests}),
  }
  const pools = {
    ...pool,
    ...(Object.keys(tcp).length > 0 ? {tcp: {...objectOf(pool.tcp), ...tcp}} : {}),
    ...(Object.keys(http).length > 0 ? {http: {...objectOf(pool.http), ...http}} : {}),
  }
  return {
    ...(Object.keys(pools).length > 0 ? {connectionPool: pools} : {}),
    outlierDetection: {
      ...objectOf(settings.outlierDetection),
      consecutive5xxErrors: consecutiveErrors,
      baseEjectionTime: ejectionTime,
      // A canary often has one pod, which Istio's own limit of a tenth would spare.
      maxEjectionPercent: 100,
    },
  }
}

function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {}
}
