// Refusals, as the metav1.Status objects that clients parse.

/** One entry of `details.causes`. */
export interface StatusCause {
  reason: string
  message: string
  field: string
}

interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

/** A refusal with its HTTP status and machine-readable reason. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly reason: string
  readonly details: StatusDetails

  constructor(status: number, reason: string, message: string, details: StatusDetails = {}) {
    super(message)
    this.status = status
    this.reason = reason
    this.details = details
  }

  /** The metav1.Status object of this refusal. */
  toStatus(): object {
    const details = Object.keys(this.details).length === 0 ? {} : {details: this.details}
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason === '' ? {} : {reason: this.reason}),
      ...details,
      code: this.status,
    }
  }
}

interface ResourceName {
  group: string
  plural: string
}

function qualified(resource: ResourceName): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`
}

export function notFound(resource: ResourceName, name: string): ApiError {
  return new ApiError(404, 'NotFound', `${qualified(resource)} "${name}" not found`, {
    name,
    group: resource.group,
    kind: resource.plural,
  })
}

export function alreadyExists(resource: ResourceName, name: string): ApiError {
  return new ApiError(409, 'AlreadyExists', `${qualified(resource)} "${name}" already exists`, {
    name,
    group: resource.group,
    kind: resource.plural,
  })
}

/** The refusal of a write that was based on an older state of the object. */
export function conflict(resource: ResourceName, name: string, why?: string): ApiError {
  const reason = why ?? 'the object has been modified; please apply your changes to the latest version and try again'
  const message = `Operation cannot be fulfilled on ${qualified(resource)} "${name}": ${reason}`
  return new ApiError(409, 'Conflict', message, {name, group: resource.group, kind: resource.plural})
}

/** The refusal of an object that breaks its schema or a rule. */
export function invalid(group: string, kind: string, name: string, causes: StatusCause[]): ApiError {
  const subject = group === '' ? kind : `${kind}.${group}`
  const texts = causes.map(cause => `${cause.field}: ${cause.message}`)
  const text = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`
  return new ApiError(422, 'Invalid', `${subject} "${name}" is invalid: ${text}`, {name, group, kind, causes})
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, 'BadRequest', message)
}

export function methodNotAllowed(): ApiError {
  return new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
}

/** The refusal of a watch or a continue token that is older than the kept events. */
export function expired(message: string): ApiError {
  return new ApiError(410, 'Expired', message)
}

export function pathNotFound(): ApiError {
  return new ApiError(404, 'NotFound', 'the server could not find the requested resource')
}
