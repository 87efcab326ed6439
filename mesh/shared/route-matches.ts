// Matches of the strategy that the Gateway API's own schema refuses: said before anything moves, and not by the API server
// in the middle of a release.
import type {Match} from '../../crds/strategy.ts'
import type {MeshContext, MeshProblem} from '../types.ts'
import {matchesOf, type RouteKind, whole} from './routes.ts'

/** Longest value of a condition on a query parameter, in the API's schema. */
const maximumQueryValue = 1024

/** Most matches of a rule, in the API's schema; one of them is for users with a cookie. */
const maximumMatches = 64

/** Names of query parameters that the API takes. */
const queryName = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/

/** What of the strategy's matches doesn't fit into a route of this kind. */
export function unwritableMatches(context: MeshContext, kind: RouteKind): MeshProblem[] {
  const {matches = [], field = 'spec.strategy'} = context.routing ?? {}
  const object = `Rollout ${context.rollout.namespace}/${context.rollout.name}`
  const found = (at: string, problem: string, fix: string): MeshProblem => {
    return {reason: 'InvalidMatch', object, field: at, problem, fix}
  }
  const total = matches.reduce((sum, match) => sum + matchesOf(kind, match).length, 0)
  const tooMany =
    total < maximumMatches
      ? []
      : [
          found(
            field,
            `in every order of their cookies they are ${total} matches of a rule, and the Gateway API takes ${maximumMatches - 1} beside that of a session`,
            'name fewer or shorter cookies',
          ),
        ]
  return [...matches.flatMap((match, index) => queryProblems(`${field}[${index}]`, match, found)), ...tooMany]
}

function queryProblems(
  at: string,
  {queryParams = []}: Match,
  found: (at: string, problem: string, fix: string) => MeshProblem,
): MeshProblem[] {
  return queryParams.flatMap(({name, regex}, index) => {
    const field = `${at}.queryParams[${index}]`
    const allowed = maximumQueryValue - whole('').length
    return [
      ...(queryName.test(name)
        ? []
        : [
            found(
              `${field}.name`,
              `the Gateway API takes letters, digits and !#$%&'*+-.^_\`|~ in the name of a query parameter, not ${name}`,
              'match a header or a cookie instead, or another parameter',
            ),
          ]),
      ...((regex?.length ?? 0) <= allowed
        ? []
        : [
            found(
              `${field}.regex`,
              `it has ${regex?.length} characters, and the Gateway API has room for ${allowed} beside the anchors`,
              'shorten it, or match a header instead',
            ),
          ]),
    ]
  })
}
