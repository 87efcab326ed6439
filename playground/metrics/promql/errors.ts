/** A query that is malformed or outside the subset: never answered with a number. */
export class QueryError extends Error {
  override readonly name = 'QueryError'
}

/** The refusal of a construct that this subset doesn't have. */
export function unsupported(what: string): QueryError {
  return new QueryError(`${what} is outside the PromQL subset of the playground: use a real Prometheus (--prometheus)`)
}
