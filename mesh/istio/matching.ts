// Conditions of http rules: which requests are meant by a match of the strategy, and by a sticky cookie.
import type {JsonObject} from '../../crds/meta.ts'
import type {Match} from '../../crds/strategy.ts'
import {cookiePattern} from '../shared/cookies.ts'

/** Where a rule holds: gateways, and the port of the Service that was called; empty in a delegate. */
export interface Scope {
  gateways?: string[]
  port?: number
}

/** Label of a caller's region: istiod puts it on every proxy's labels, from the node that it runs on. */
const regionLabel = 'topology.kubernetes.io/region'

/**
 * The condition for a match within a scope; undefined where the scope can't have it. istiod compares a caller's labels and
 * namespace only in conditions that name no gateway (sourceMatchHTTP in pilot/pkg/networking/core/route): beside one they
 * would mean every caller. So such a condition names the port alone, and is left out beside the user's gateways.
 */
export function conditionOf(match: Match, scope: Scope, insideMesh: boolean): JsonObject | undefined {
  const {headers = [], cookies = [], queryParams = [], source} = match
  if (source && !insideMesh) return undefined
  const {port} = scope
  const place = source ? {...(port === undefined ? {} : {port})} : {...scope}
  const texts = {
    ...Object.fromEntries(headers.map(({name, ...text}) => [name.toLowerCase(), textOf(text)])),
    ...(cookies.length > 0 ? {cookie: {regex: cookiePattern(cookies)}} : {}),
  }
  return {
    ...place,
    ...(Object.keys(texts).length > 0 ? {headers: texts} : {}),
    ...(queryParams.length > 0
      ? {queryParams: Object.fromEntries(queryParams.map(({name, ...text}) => [name, textOf(text)]))}
      : {}),
    ...sourceOf(source),
  }
}

function sourceOf(source: Match['source']): JsonObject {
  if (!source) return {}
  const labels = {...source.labels, ...(source.region === undefined ? {} : {[regionLabel]: source.region})}
  return {
    ...(Object.keys(labels).length > 0 ? {sourceLabels: labels} : {}),
    ...(source.namespace === undefined ? {} : {sourceNamespace: source.namespace}),
  }
}

function textOf({exact, regex}: {exact?: string | undefined; regex?: string | undefined}): JsonObject {
  return exact === undefined ? {regex} : {exact}
}
