// What says where the traffic stands, and so can't change once a slot serves: the place before would be left leading to a slot
// that Fairlead no longer looks after, and that has no pods after the next release. Before a slot was chosen (status.primary)
// nothing was touched, and whatever a refusal asks for may be corrected.
import type {ValidationRule} from './structural.ts'

const meshes = ['istio', 'gatewayAPI', 'linkerd', 'none']

const untouched = '!has(oldSelf.status) || !has(oldSelf.status.primary)'
const instead =
  'delete the Rollout, which gives the workload and the route back without losing a request (the pods of a template go with it), and create it again'

/** @param holds CEL about `self` and `oldSelf`, the whole objects */
function settled(what: string, holds: string): ValidationRule {
  return {rule: `${untouched} || (${holds})`, message: `${what} cannot change once a slot serves: ${instead}`}
}

/** CEL: what a term about `self` says is the same in the object before. */
function unchanged(term: string): string {
  return `(${term}) == (${term.replaceAll('self.', 'oldSelf.')})`
}

/** CEL: a setting of a mesh is there or not, as before; where it is there, and was, something more may have to hold. */
function kept(mesh: string, field: string, holds?: (route: string, old: string) => string): string {
  const [one, old] = ['self', 'oldSelf'].map(object => `${object}.spec.traffic.${mesh}`) as [string, string]
  const more = holds ? ` && (!has(${one}.${field}) || (${holds(`${one}.${field}`, `${old}.${field}`)}))` : ''
  return `!has(${one}) || !has(${old}) || (has(${one}.${field}) == has(${old}.${field})${more})`
}

/** CEL: the same route, and every rule that was borrowed still is; without a list all of them are. */
function borrowed(list: string): (route: string, old: string) => string {
  return (route, old) =>
    `${route}.name == ${old}.name && (!has(${route}.${list}) || (has(${old}.${list}) && ${old}.${list}.all(rule, rule in ${route}.${list})))`
}

const kindOf = (route: string) => `(has(${route}.kind) ? ${route}.kind : 'HTTPRoute')`

/** Rules of the whole Rollout. */
export const settledFields: readonly ValidationRule[] = [
  settled('spec.traffic: the mesh', meshes.map(mesh => unchanged(`has(self.spec.traffic.${mesh})`)).join(' && ')),
  settled(
    'spec.traffic.istio.virtualService: its name and the rules that are borrowed',
    kept('istio', 'virtualService', borrowed('routes')),
  ),
  settled('spec.traffic.istio.delegate', kept('istio', 'delegate')),
  ...['gatewayAPI', 'linkerd'].map(mesh =>
    settled(
      `spec.traffic.${mesh}.route: the borrowed route and its borrowed rules`,
      kept(mesh, 'route', (route, old) => `${borrowed('rules')(route, old)} && ${kindOf(route)} == ${kindOf(old)}`),
    ),
  ),
  settled(
    'spec.service.name',
    unchanged(
      "has(self.spec.service.name) ? self.spec.service.name : has(self.spec.targetRef) ? self.spec.targetRef.name : ''",
    ),
  ),
]
