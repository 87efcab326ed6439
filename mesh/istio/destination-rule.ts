// One DestinationRule per slot. A DestinationRule on the apex host doesn't reach the slots' Services, and a slot's own
// one hides every wildcard that would have: so each carries the policy that holds for the apex host.
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {labels} from '../../crds/names.ts'
import {isObject} from '../shared/json.ts'
import {ownMetadata} from '../shared/own.ts'
import type {MeshContext, MeshObjects, Protection} from '../types.ts'
import {apexHost, isExported, istioApiVersion, objectsOf, slotHost, stringsOf} from './context.ts'
import {coversHost, resolveHost} from './hosts.ts'
import {withCircuitBreaker} from './safeguards.ts'

/** Istio's root namespace, whose DestinationRules hold for every Service without one of its own. */
const rootNamespace = 'istio-system'

/** The DestinationRules of the given slots; that of a protected one has the circuit breaker's limits. */
export function renderDestinationRules(
  context: MeshContext,
  slots: readonly ('a' | 'b')[],
  objects: MeshObjects,
  protection?: Protection,
): KubeObject[] {
  const policy = apexPolicy(context, objects)
  return slots.map(slot => ({
    apiVersion: istioApiVersion,
    kind: 'DestinationRule',
    metadata: ownMetadata(context, context.slots[slot], {[labels.slot]: slot}),
    spec: {host: slotHost(context, slot), ...protectedPolicy(structuredClone(policy), slot, protection)},
  }))
}

function protectedPolicy(policy: JsonObject, slot: 'a' | 'b', protection: Protection | undefined): JsonObject {
  const breaker = protection?.slot === slot ? protection.safeguards.circuitBreaker : undefined
  return breaker
    ? {
        ...policy,
        trafficPolicy: withCircuitBreaker(isObject(policy.trafficPolicy) ? policy.trafficPolicy : {}, breaker),
      }
    : policy
}

/**
 * Policy and visibility of the DestinationRule that holds for the apex host, found as istiod does: the Service's
 * namespace before the root namespace, the most specific host first, and of several with one host the oldest that has a
 * policy. One with a `workloadSelector` holds for some callers only and can't be carried over.
 */
function apexPolicy(context: MeshContext, objects: MeshObjects): JsonObject {
  const rules = objectsOf(objects, 'DestinationRule').filter(rule => isExported(rule) && !rule.spec?.workloadSelector)
  const own = mostSpecific(
    context,
    rules.filter(rule => rule.metadata.namespace === context.rollout.namespace),
  )
  const found = own.length > 0 ? own : mostSpecific(context, rules.filter(isPublicRootRule))
  const spec = [...found].sort(byAge).find(rule => rule.spec?.trafficPolicy)?.spec
  if (!spec) return {}
  const exportTo = stringsOf(spec.exportTo)
  const everywhere = exportTo.length === 0 || exportTo.includes('*')
  return {trafficPolicy: spec.trafficPolicy, ...(everywhere ? {} : {exportTo})}
}

function isPublicRootRule(rule: KubeObject): boolean {
  const exportTo = stringsOf(rule.spec?.exportTo)
  return rule.metadata.namespace === rootNamespace && (exportTo.length === 0 || exportTo.includes('*'))
}

/** Of the rules that cover the apex host, those with the most specific host. */
function mostSpecific(context: MeshContext, rules: readonly KubeObject[]): KubeObject[] {
  const hostOf = (rule: KubeObject) => resolveHost(String(rule.spec?.host ?? ''), rule.metadata.namespace ?? '')
  const covering = rules.filter(rule => coversHost(hostOf(rule), apexHost(context)))
  const longest = Math.max(0, ...covering.map(rule => specificity(hostOf(rule))))
  return covering.filter(rule => specificity(hostOf(rule)) === longest)
}

function specificity(host: string): number {
  return host.startsWith('*') ? host.length : Number.MAX_SAFE_INTEGER
}

function byAge(left: KubeObject, right: KubeObject): number {
  const key = ({metadata}: KubeObject) => `${metadata.creationTimestamp ?? ''} ${metadata.name}`
  return key(left) < key(right) ? -1 : 1
}
