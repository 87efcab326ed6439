import {z} from 'zod'

/** A DNS-1123 label or subdomain name of another object. */
export const objectName = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)

/** A duration such as `90s`, `1m30s`, `500ms`, `2h`. */
export const duration = z
  .string()
  .max(32)
  .regex(/^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$/)

const unitMilliseconds = {ms: 1, s: 1000, m: 60_000, h: 3_600_000} as const

/**
 * Milliseconds of a duration that {@link duration} accepted.
 * @throws RangeError when the text isn't a duration.
 */
export function durationMilliseconds(text: string): number {
  if (!duration.safeParse(text).success) {
    throw new RangeError(`"${text}" is not a duration: write a number and a unit, such as 90s, 1m30s or 500ms`)
  }
  let total = 0
  for (const [, amount, unit] of text.matchAll(/([0-9.]+)(ms|s|m|h)/g)) {
    total += Number(amount) * unitMilliseconds[unit as keyof typeof unitMilliseconds]
  }
  return total
}

/** RFC 3339 in UTC with milliseconds. */
export function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** Milliseconds since the epoch of an RFC 3339 time. */
export function timeOf(text: string): number {
  return new Date(text).getTime()
}

export const condition = z.strictObject({
  type: z.string().max(316),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string().max(1024),
  message: z.string().max(32_768),
  lastTransitionTime: z.string().max(64),
  observedGeneration: z.int().min(0).optional(),
})

/** Names an object of a fixed kind in the Rollout's own namespace. */
export const localRef = z.strictObject({name: objectName})

/** One key of a Secret in the same namespace. */
export const secretKeyRef = z.strictObject({name: objectName, key: z.string().min(1).max(253)})
