// Requests of one user, from the API server's audit log.
import {auditEvents} from '../../cluster/audit.ts'

export interface Request {
  verb: string
  /** Plural, with the subresource: `rollouts/status`. */
  resource: string
  namespace: string
  name: string
  /** When it was answered; for a watch, when it began to be. */
  at: number
}

const writes: ReadonlySet<string> = new Set(['create', 'update', 'patch', 'delete'])

/** What the user asked for between two moments (milliseconds), in the order of the log. */
export function requestsOf(auditFile: string, user: string, from: number, to: number): Request[] {
  return auditEvents(auditFile, user)
    .map(({verb, objectRef, stageTimestamp}) => ({
      verb,
      resource: `${objectRef.resource}${objectRef.subresource ? `/${objectRef.subresource}` : ''}`,
      namespace: objectRef.namespace ?? '',
      name: objectRef.name ?? '',
      at: Date.parse(stageTimestamp),
    }))
    .filter(({at}) => at >= from && at <= to)
}

export interface Tally {
  /** All but watches, the Lease and the lists that begin a watch. */
  requests: number
  writes: number
  events: number
  lease: number
  watches: number
  /** Count by verb and resource, the largest first. */
  kinds: [kind: string, count: number][]
}

export function tally(requests: readonly Request[]): Tally {
  const isWatch = ({verb}: Request) => verb === 'watch' || verb === 'list'
  const isLease = ({resource}: Request) => resource === 'leases'
  const own = requests.filter(request => !isWatch(request) && !isLease(request))
  const kinds = new Map<string, number>()
  for (const {verb, resource} of own) kinds.set(`${verb} ${resource}`, (kinds.get(`${verb} ${resource}`) ?? 0) + 1)
  return {
    requests: own.length,
    writes: own.filter(({verb}) => writes.has(verb)).length,
    events: own.filter(({verb, resource}) => resource === 'events' && writes.has(verb)).length,
    lease: requests.filter(isLease).length,
    watches: requests.filter(isWatch).length,
    kinds: [...kinds].toSorted(([, left], [, right]) => right - left),
  }
}
