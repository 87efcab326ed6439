import {type DestinationStream, type Logger, pino} from 'pino'

export type {Logger} from 'pino'

/** Levels that the command line takes. */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LoggerOptions {
  level: LogLevel
  /** Where lines go; standard output when absent. */
  destination?: DestinationStream
}

/** How deep fields are searched for credentials, and how many; what lies beyond is left out. */
const maxDepth = 8
const maxFields = 2_000
const redacted = '[redacted]'
const secretField =
  /^(.*[-_.])?(authorization|cookie|credentials?|passw(or)?d|passphrase|secret|token|api[-_]?key|private[-_]?key)$/i
/** The same in camel case, such as `accessToken`. */
const secretCamelField = /(Authorization|Password|Secret|Token|ApiKey|PrivateKey)$/

/**
 * The process's logger: JSON lines. Fields whose name says that they hold a credential are masked, whatever their
 * depth, and so are the user info of URLs and bearer tokens anywhere in a line.
 */
export function createLogger(options: LoggerOptions): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({level: label}),
      log: (fields: Record<string, unknown>) => maskFields(fields),
    },
    // Errors are turned into plain fields by the mask, so that nothing they carry goes around it.
    serializers: {err: (value: unknown) => value},
    hooks: {streamWrite: maskText},
  }
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination)
}

/** Masks the user info of URLs and bearer tokens in a text. */
export function maskText(text: string): string {
  // Every repetition is bounded, so that a long line costs time in proportion to its length.
  return text
    .replace(/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s"/@]{0,1000}(@[^\s"/@]{0,1000}){0,4}@/gi, `$1${redacted}@`)
    .replace(/\b(Bearer|Basic) +[A-Za-z0-9._~+/=-]{4,}/g, `$1 ${redacted}`)
}

function maskFields(fields: Record<string, unknown>): Record<string, unknown> {
  const budget = {fields: maxFields}
  return mask(fields, 0, budget) as Record<string, unknown>
}

function mask(value: unknown, depth: number, budget: {fields: number}): unknown {
  if (value instanceof Error) return maskError(value, depth, budget)
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (depth >= maxDepth) return '[too deep]'
  if (Array.isArray(value)) return value.slice(0, budget.fields).map(item => mask(item, depth + 1, budget))
  const masked: Record<string, unknown> = {}
  const ofSecret = (value as {kind?: unknown}).kind === 'Secret'
  for (const [name, field] of Object.entries(value)) {
    budget.fields -= 1
    if (budget.fields < 0) break
    masked[name] =
      field !== undefined && (isSecret(name) || (ofSecret && /^(data|stringData)$/.test(name)))
        ? redacted
        : mask(field, depth + 1, budget)
  }
  return masked
}

function maskError(error: Error, depth: number, budget: {fields: number}): Record<string, unknown> {
  const own = mask({...error}, depth, budget) as Record<string, unknown>
  const cause = error.cause === undefined || depth >= maxDepth ? {} : {cause: mask(error.cause, depth + 1, budget)}
  return {type: error.name, message: error.message, stack: error.stack, ...own, ...cause}
}

function isSecret(name: string): boolean {
  return secretField.test(name) || secretCamelField.test(name)
}
