// What stands in the way of a borrowed route.
import type {KubeObject} from '../../crds/meta.ts'
import {isObject, listOf, textOf} from '../shared/json.ts'
import {claimedRoute} from '../shared/own.ts'
import {keepers, settingFor} from '../shared/ownership.ts'
import type {MeshContext, MeshObjects, MeshProblem} from '../types.ts'
import {borrowedRoute, chosenRules, hostOf, leadsToUs} from './borrowed.ts'
import {istioOf} from './context.ts'

export function borrowedProblems(context: MeshContext, objects: MeshObjects): MeshProblem[] {
  const settings = istioOf(context).virtualService
  if (!settings) return []
  const route = borrowedRoute(context, objects)
  const object = `VirtualService ${context.rollout.namespace}/${settings.name}`
  if (!route) {
    const fix = 'create it, or correct spec.traffic.istio.virtualService.name in the Rollout'
    return [{reason: 'RouteMissing', object, field: 'metadata.name', problem: 'it does not exist', fix}]
  }
  const claimed = claimedRoute(context, route)
  if (claimed) return [claimed]
  const chosen = chosenRules(context, route)
  return [
    ...missingRules(
      context,
      object,
      chosen.map(({rule}) => textOf(rule.name)),
    ),
    ...chosen.flatMap(({field, rule}) => unsplittable(context, object, field, listOf(rule.route))),
    ...(settings.ownership === 'shared' ? [] : owners(object, route, chosen)),
  ]
}

function missingRules(context: MeshContext, object: string, chosen: string[]): MeshProblem[] {
  const wanted = istioOf(context).virtualService?.routes
  const missing = wanted ? wanted.filter(name => !chosen.includes(name)) : []
  const problem = (text: string): MeshProblem => ({
    reason: 'RuleMissing',
    object,
    field: 'spec.http',
    problem: text,
    fix: `give a rule a destination with host ${context.apex.name}, or correct spec.traffic.istio.virtualService.routes in the Rollout`,
  })
  if (!wanted && chosen.length === 0) return [problem(`none of its rules leads to Service ${context.apex.name}`)]
  return missing.map(name => problem(`it has no rule ${name} that leads to Service ${context.apex.name}`))
}

function unsplittable(
  context: MeshContext,
  object: string,
  field: string,
  route: ReturnType<typeof listOf>,
): MeshProblem[] {
  const fix = `let the rule lead to ${context.apex.name} alone, without a subset`
  const base = {reason: 'UnsplittableRule', object, field: `${field}.route`, fix}
  if (route.some(entry => !leadsToUs(context, entry))) {
    return [
      {...base, problem: 'it shares its requests with other Services, so a weight would not be a share of all of them'},
    ]
  }
  if (route.some(({destination}) => isObject(destination) && destination.subset !== undefined)) {
    return [{...base, problem: "it names a subset, which the slots' Services do not have"}]
  }
  const hosts = route.map(entry => hostOf(context, entry))
  if (new Set(hosts).size === hosts.length) return []
  const one = `let the rule have one destination ${context.apex.name}: another port or other headers take another rule`
  const problem =
    'several of its destinations are the Service, and one of them alone would be left in a release and after it'
  return [{...base, problem, fix: one}]
}

function owners(object: string, route: KubeObject, chosen: readonly {field: string}[]): MeshProblem[] {
  const lists = [...new Set(chosen.map(({field}) => field.replace(/^spec\.|\[.*$/g, '')))]
  return keepers(route, lists).map(manager => ({
    reason: 'RouteOwnedElsewhere',
    object,
    field: lists.map(list => `spec.${list}`).join(', '),
    problem: `${manager} manages it, and would take the weights back`,
    fix: `${settingFor(manager, route, lists)}; then set spec.traffic.istio.virtualService.ownership: shared in the Rollout. Or use delegation (spec.traffic.istio.delegate), which needs none of that`,
  }))
}
