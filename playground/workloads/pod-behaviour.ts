// How a Pod of the playground behaves: set by environment variables, so that a merge in Git or an edited ConfigMap
// makes a good or a bad version.

/** Behaviour of one Pod's HTTP server. */
export interface PodBehaviour {
  /** Share of requests that are answered 500, in [0, 1]. */
  failureShare: number
  /** Mean time to answer; each answer takes the mean plus or minus at most the jitter, evenly spread. */
  latencyMilliseconds: number
  latencyJitterMilliseconds: number
  /** Time from the start of the container until it is ready. */
  startupMilliseconds: number
  /** False for a version that never becomes ready. */
  ready: boolean
  version: string
}

const maximumDelayMilliseconds = 3_600_000

/**
 * Reads FAILURE_SHARE, LATENCY_MILLISECONDS, LATENCY_JITTER_MILLISECONDS, STARTUP_MILLISECONDS, READY and VERSION; each
 * has a default of good behaviour. Throws a RangeError that names a variable with a value that can't be used.
 */
export function readBehaviour(variables: ReadonlyMap<string, string>): PodBehaviour {
  const number = (name: string, maximum: number): number => {
    const text = variables.get(name)?.trim() ?? ''
    const value = text === '' ? 0 : Number(text)
    if (value >= 0 && value <= maximum) return value
    throw new RangeError(`environment variable ${name} is "${text}"; give a number between 0 and ${maximum}`)
  }
  return {
    failureShare: number('FAILURE_SHARE', 1),
    latencyMilliseconds: number('LATENCY_MILLISECONDS', maximumDelayMilliseconds),
    latencyJitterMilliseconds: number('LATENCY_JITTER_MILLISECONDS', maximumDelayMilliseconds),
    startupMilliseconds: number('STARTUP_MILLISECONDS', maximumDelayMilliseconds),
    ready: variables.get('READY')?.trim().toLowerCase() !== 'false',
    version: variables.get('VERSION') ?? '',
  }
}
