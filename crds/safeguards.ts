// What protects others from a version that isn't proven yet: there while it is released, and gone afterwards.
import {z} from 'zod'
import {duration} from './common.ts'

const count = z.int().min(1).max(1_000_000)

const circuitBreaker = z
  .strictObject({
    maxConnections: count.optional().describe('Connections of one caller to the canary.'),
    maxPendingRequests: count.optional().describe('Requests of one caller that wait for a connection.'),
    maxRequests: count.optional().describe('Requests of one caller under way at a time.'),
    consecutiveErrors: z
      .int()
      .min(1)
      .max(1000)
      .default(5)
      .describe('Failed answers of one pod in a row after which callers leave it out.'),
    ejectionTime: duration.default('30s').describe('How long they leave it out, times the number of times so far.'),
  })
  .describe('Callers leave out canary pods that fail, and send the canary no more than so much at a time.')

const rateLimit = z
  .strictObject({
    requests: count.describe('Requests that one pod of the canary takes in that time; further ones get 429.'),
    per: duration.default('1s'),
  })
  .describe('Most requests that each pod of the canary takes, so that a bad version does not overload what it calls.')

export const safeguards = z
  .strictObject({circuitBreaker: circuitBreaker.optional(), rateLimit: rateLimit.optional()})
  .describe(
    'Protects others from the canary until it is promoted. What a mesh cannot do is refused before a release starts.',
  )
export type Safeguards = z.infer<typeof safeguards>
