// Matches of a strategy that no route can hold as they are meant: told before anything is made.
import type {Match} from '../../crds/strategy.ts'
import type {MeshContext, MeshProblem} from '../types.ts'
import {cookiePattern} from './cookies.ts'

/**
 * Longest expression for a header: the Gateway API takes no longer one. Istio does, but its Envoys refuse a program of more
 * than 32,768 instructions, and with it every later change of their routes.
 */
const longestPattern = 4096

/** What is wrong with the matches. */
export function matchProblems({rollout, routing}: MeshContext): MeshProblem[] {
  const object = `Rollout ${rollout.namespace}/${rollout.name}`
  return (routing?.matches ?? []).flatMap((match, index) =>
    [...findings(match)].map(({list, ...found}) => ({
      reason: 'InvalidMatch',
      object,
      field: `match[${index}].${list} of spec.strategy`,
      ...found,
    })),
  )
}

interface Finding {
  list: 'headers' | 'cookies' | 'queryParams'
  problem: string
  fix: string
}

function* findings({headers = [], cookies = [], queryParams = []}: Match): Generator<Finding> {
  const names = headers.map(({name}) => name.toLowerCase())
  const header = repeated(cookies.length > 0 ? [...names, 'cookie'] : names)
  if (header !== undefined) {
    const cookie = header === 'cookie' && cookies.length > 0
    const problem = `header ${header} is named twice${cookie ? ', for cookies are conditions on it' : ''}, and a route compares each header once`
    yield {list: 'headers', problem, fix: 'join both conditions into one regular expression, or leave one out'}
  }
  const parameter = repeated(queryParams.map(({name}) => name))
  if (parameter !== undefined) {
    const problem = `query parameter ${parameter} is named twice, and a route compares each once`
    yield {list: 'queryParams', problem, fix: 'join both conditions into one regular expression, or leave one out'}
  }
  const length = cookies.length > 0 ? cookiePattern(cookies).length : 0
  if (length > longestPattern) {
    const problem = `every order of the cookies is an alternative of one expression, which would have ${length} characters, and may have ${longestPattern}`
    yield {list: 'cookies', problem, fix: 'name fewer cookies, or shorter ones'}
  }
}

function repeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index)
}
