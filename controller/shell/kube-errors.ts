import {ClusterError} from '../ports.ts'

/** Characters of a message that is not a metav1.Status which go into an error. */
const maxForeignMessageLength = 300
/** Causes of one Status that are kept. */
const maxCauses = 50
/** Longest Retry-After that is believed; a proxy that says "tomorrow" must not stop a controller for a day. */
const maxRetryAfterSeconds = 120

/** A refusal that says when to come back: 429, or a 5xx, with Retry-After. */
export class RetryLaterError extends ClusterError {
  readonly retryAfterSeconds: number

  constructor(status: number, reason: string, message: string, causes: readonly string[], retryAfterSeconds: number) {
    super(status, reason, message, causes)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

interface StatusCause {
  field?: unknown
  message?: unknown
}

/** The part of a metav1.Status that errors are made of; every field is checked before use. */
interface StatusLike {
  kind?: unknown
  code?: unknown
  reason?: unknown
  message?: unknown
  details?: {causes?: unknown; retryAfterSeconds?: unknown}
}

/**
 * The error for an answer of 400 and above, or for an ERROR event of a watch.
 *
 * @param httpStatus status of the answer; 0 to take the code of the Status object (watch events)
 * @param body the answer's body: a metav1.Status, or whatever a proxy in between sent
 * @param retryAfter the Retry-After header, if any
 */
export function clusterErrorFrom(httpStatus: number, body: string, retryAfter?: string): ClusterError {
  const status = parseStatus(body)
  const code = httpStatus || (typeof status?.code === 'number' ? status.code : 500)
  const reason = typeof status?.reason === 'string' && status.reason !== '' ? status.reason : defaultReason(code)
  const message = typeof status?.message === 'string' && status.message !== '' ? status.message : foreign(code, body)
  const causes = causesOf(status)
  const seconds = retryAfterSeconds(retryAfter, status)
  if (seconds !== undefined && (code === 429 || code >= 500)) {
    return new RetryLaterError(code, reason, message, causes, seconds)
  }
  return new ClusterError(code, reason, message, causes)
}

/** The delay that the server asked for, in milliseconds; undefined when it asked for none. */
export function retryAfterMilliseconds(error: unknown): number | undefined {
  return error instanceof RetryLaterError ? error.retryAfterSeconds * 1000 : undefined
}

function parseStatus(body: string): StatusLike | undefined {
  try {
    const parsed: unknown = JSON.parse(body)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    return (parsed as StatusLike).kind === 'Status' ? (parsed as StatusLike) : undefined
  } catch {
    return undefined
  }
}

function causesOf(status: StatusLike | undefined): string[] {
  const causes = status?.details?.causes
  if (!Array.isArray(causes)) return []
  return causes.slice(0, maxCauses).map((cause: StatusCause | null) => {
    const message = typeof cause?.message === 'string' ? cause.message : ''
    return typeof cause?.field === 'string' && cause.field !== '' ? `${cause.field}: ${message}` : message
  })
}

function retryAfterSeconds(header: string | undefined, status: StatusLike | undefined): number | undefined {
  // Only the delay form of RFC 9110 is used by API servers; a date would need a clock that agrees with the server's.
  const fromHeader = header !== undefined && /^\s*\d+\s*$/.test(header) ? Number(header) : undefined
  const fromStatus = status?.details?.retryAfterSeconds
  const seconds = fromHeader ?? (typeof fromStatus === 'number' && fromStatus > 0 ? fromStatus : undefined)
  return seconds === undefined ? undefined : Math.min(seconds, maxRetryAfterSeconds)
}

function defaultReason(code: number): string {
  const reasons: Record<number, string> = {
    400: 'BadRequest',
    401: 'Unauthorized',
    403: 'Forbidden',
    404: 'NotFound',
    409: 'Conflict',
    410: 'Expired',
    422: 'Invalid',
    429: 'TooManyRequests',
    500: 'InternalError',
    503: 'ServiceUnavailable',
    504: 'Timeout',
  }
  return reasons[code] ?? 'Unknown'
}

function foreign(code: number, body: string): string {
  const text = body.slice(0, maxForeignMessageLength).trim()
  return text === '' ? `the API server answered ${code}` : `the API server answered ${code}: ${text}`
}
