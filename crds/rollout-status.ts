import {z} from 'zod'
import {condition} from './common.ts'
import {evidence, tally} from './evidence.ts'
import {slotName} from './slots.ts'
import {thresholdMemory} from './threshold.ts'

const time = z.string().max(64)
const revisionName = z.string().max(63)

export const phase = z.enum([
  'Initializing',
  'Healthy',
  'Waiting',
  'Preparing',
  'Progressing',
  'WaitingPromotion',
  'Promoting',
  'Baking',
  'RollingBack',
  'Failed',
  'Terminating',
])
export type Phase = z.infer<typeof phase>

/** The Git commit that an object was applied from. */
const commit = z.strictObject({
  hash: z.string().max(64),
  author: z.string().max(256).optional(),
  subject: z.string().max(256).optional(),
})
export type CommitInfo = z.infer<typeof commit>

/** What a slot holds: one revision. */
const slotContent = z.strictObject({
  slot: slotName,
  revision: revisionName,
  image: z.string().max(1024).describe('Image of the first container, as the template names it.'),
  imageIDs: z
    .array(z.string().max(1024))
    .max(20)
    .optional()
    .describe('Image IDs that the pods of the slot really ran.'),
  commit: commit.optional(),
  filledAt: time.describe('When the slot was given this revision.'),
})
export type SlotContent = z.infer<typeof slotContent>

/** Percentages per slot; they sum to 100. */
const weights = z.strictObject({a: z.int().min(0).max(100), b: z.int().min(0).max(100)})
export type Weights = z.infer<typeof weights>

/** A wish for the traffic: shares, and what one slot gets whatever its share. */
const split = weights.extend({
  apart: z
    .strictObject({
      slot: slotName,
      matched: z.literal(true).optional().describe("The requests that meet the strategy's match."),
      session: z.string().max(63).optional().describe('The users whose cookie has this value.'),
      mirrorPercent: z.int().min(1).max(100).optional().describe("Copies of this share of the other slot's requests."),
      faults: z.literal(true).optional().describe('Its calls to other Services meet the faults of the step.'),
    })
    .optional()
    .describe('What one slot gets whatever its share.'),
})
export type Split = z.infer<typeof split>

const traffic = z.strictObject({
  wanted: split.describe('Share of each slot that the route is to have.'),
  since: time.describe('When this share was decided.'),
  inForceSince: time.optional().describe('When the route was first seen to carry it.'),
  confirmed: split.optional().describe('Share that counts as in force.'),
  confirmedAt: time.optional(),
})
export type TrafficStatus = z.infer<typeof traffic>

const eValue = z
  .strictObject({value: z.number(), boundary: z.number()})
  .describe('An E-value and the boundary at which it decides.')

const comparisonFacts = z.strictObject({
  canary: tally.describe('Requests that were compared, and those among them that failed or were slow.'),
  primary: tally,
  slowerThanMilliseconds: z.number().optional().describe('Bucket bound above which a request counts as slow.'),
  against: z.literal('baseline').optional().describe('`primary` counts the requests of the baseline.'),
  oddsRatio: z
    .strictObject({
      estimate: z.number().optional(),
      low: z.number().optional(),
      high: z.number().optional(),
      confidence: z.number().optional().describe('Probability that the interval holds at every poll.'),
    })
    .describe(
      "Odds of the canary's requests to fail, as a multiple of the primary's, with a confidence sequence; an end that is unknown is absent.",
    ),
  harm: eValue,
  harmless: eValue,
  overdispersion: z
    .number()
    .describe("How much more the primary's failures scatter than independent ones would; 1 or more."),
  needed: z.number().optional().describe('Further canary requests that would let the step advance if none failed.'),
  bands: z
    .strictObject({
      boundMilliseconds: z.number().describe('Bucket bound at which the canary is slower by the most.'),
      canary: tally.describe('Requests of the step, and those among them that took longer.'),
      primary: tally,
      distance: z.number().describe('How much larger the share of the canary is that took longer.'),
      radius: z.number().describe('Radii of the bands around both distributions, summed: what chance allows.'),
      tolerance: z.number().describe('What is tolerated beyond it.'),
    })
    .optional()
    .describe('Bands around the whole distributions, where the verdict rests on them and not on the E-values.'),
})
/** The figures behind a verdict of a compare check. */
export type ComparisonFacts = z.infer<typeof comparisonFacts>

const checkResult = z.strictObject({
  name: z.string().max(63),
  verdict: z.enum(['pass', 'fail', 'inconclusive', 'noData', 'error']),
  reason: z.string().max(64),
  value: z.number().optional(),
  evidence: comparisonFacts.optional(),
  message: z.string().max(1024),
  evaluatedAt: time,
  dryRun: z.boolean().optional().describe('The result counts for nothing.'),
})
export type CheckResult = z.infer<typeof checkResult>

const outcome = z.enum(['Promoted', 'RolledBack', 'Reverted', 'Superseded', 'Aborted'])
export type Outcome = z.infer<typeof outcome>

const rollback = z.strictObject({
  outcome: outcome.describe('How the release ends.'),
  reason: z.string().max(64),
  message: z.string().max(2048),
  startedAt: time,
  drainingSince: time.optional().describe('When the losing slot was seen without traffic.'),
})

const release = z.strictObject({
  id: z.string().max(63).describe('Names the release: the number of the release and its revision.'),
  startedAt: time,
  phaseSince: time.describe('When the release entered its phase.'),
  interval: z
    .string()
    .max(16)
    .optional()
    .describe('Time between two evaluations, where the spec names none: found from the scrapes.'),
  stepIndex: z.int().min(0).max(100).optional().describe('Step under way, from 0.'),
  stepSince: time.optional().describe('When the weight of the step was confirmed.'),
  held: z
    .strictObject({step: z.int().min(0).max(100), since: time})
    .optional()
    .describe('Between two steps: the step whose weight is still in force and judged, and since when.'),
  evidence: evidence.optional(),
  thresholds: z.array(thresholdMemory).max(20).optional(),
  weightsSeen: z
    .array(z.int().min(0).max(100))
    .max(52)
    .default([])
    .describe('Canary weights that were confirmed, in order.'),
  requests: z
    .strictObject({total: z.int().min(0), failed: z.int().min(0)})
    .optional()
    .describe('Requests that the canary answered and failed since the release began.'),
  safeguardsLifted: z
    .literal(true)
    .optional()
    .describe('The safeguards go, and the settling time later the version gets everything; they do not come back.'),
  skipAnalysis: z.boolean().optional().describe('Somebody said promote: the remaining steps need no verdict.'),
  paused: z.strictObject({reason: z.string().max(64), since: time}).optional(),
  rollback: rollback.optional(),
})
export type ReleaseStatus = z.infer<typeof release>

const historyEntry = z.strictObject({
  id: z.string().max(63),
  revision: revisionName,
  image: z.string().max(1024),
  commit: commit.optional(),
  outcome,
  reason: z.string().max(64),
  message: z.string().max(2048),
  startedAt: time,
  endedAt: time,
  weights: z.array(z.int().min(0).max(100)).max(52),
  requests: z.strictObject({total: z.int().min(0), failed: z.int().min(0)}).optional(),
})
export type HistoryEntry = z.infer<typeof historyEntry>

const pendingAlert = z.strictObject({
  id: z.string().max(253).describe('Same for every attempt to send the same alert: receivers de-duplicate by it.'),
  event: z.string().max(64),
  severity: z.enum(['info', 'warn', 'error']),
  title: z.string().max(512),
  text: z.string().max(4096),
  fields: z.record(z.string().max(64), z.string().max(2048)).describe('The figures of the message, by name.'),
  createdAt: time,
  channels: z.array(z.string().max(253)).max(20).describe('Channels that still have to take it.'),
})
export type PendingAlert = z.infer<typeof pendingAlert>

export const rolloutStatus = z.strictObject({
  observedGeneration: z.int().min(0).optional(),
  phase: phase.optional(),
  message: z.string().max(2048).optional().describe('What is going on, in one sentence.'),
  replicas: z.int().min(0).optional().describe('Pods of the serving slot; read by the scale subresource.'),
  selector: z.string().max(1024).optional().describe("Label selector of the serving slot's pods; read by autoscalers."),
  canaryWeight: z.int().min(0).max(100).optional().describe('Confirmed share of the canary, in percent.'),
  step: z.string().max(16).optional().describe('Step under way and number of steps, such as 2/3.'),
  primaryImage: z.string().max(64).optional().describe("Short name of the primary's image, for tables."),
  canaryImage: z.string().max(64).optional().describe("Short name of the canary's image, for tables."),
  primary: slotContent.optional(),
  canary: slotContent.optional(),
  previous: slotContent.optional().describe('Version before the promotion, warm while the release bakes.'),
  traffic: traffic.optional(),
  apex: z
    .strictObject({slot: slotName, since: time})
    .optional()
    .describe('Slot that the selector of the Service was last seen to choose, and since when.'),
  readySince: z
    .strictObject({slot: slotName, pods: z.int().min(0), since: time})
    .optional()
    .describe('Pods that the next share relies on, and since when they have been ready without a break.'),
  capacity: z.int().min(0).optional().describe('Pods that full capacity means; during a release it only rises.'),
  source: z
    .strictObject({
      uid: z.string().max(64),
      generation: z.int().min(0),
      configVersions: z
        .string()
        .max(64)
        .describe('Digest of the resourceVersions of all tracked ConfigMaps and Secrets.'),
      revision: revisionName,
      commit: z.string().max(64).optional(),
    })
    .optional()
    .describe('State of the target that was last acted upon.'),
  candidate: z
    .strictObject({revision: revisionName, key: z.string().max(256), firstSeenAt: time, commit: commit.optional()})
    .optional()
    .describe('New revision that is not yet released.'),
  releases: z.int().min(0).optional().describe('Number of releases begun.'),
  release: release.optional(),
  checks: z.array(checkResult).max(20).optional(),
  rejected: z
    .array(z.strictObject({revision: revisionName, reason: z.string().max(64), at: time}))
    .max(10)
    .optional(),
  commands: z
    .record(z.string().max(32), z.string().max(253))
    .optional()
    .describe('Last one-shot command of each kind that was carried out.'),
  terminating: z.strictObject({stage: z.enum(['restore', 'reroute', 'drain', 'remove']), since: time}).optional(),
  history: z.array(historyEntry).max(10).optional().describe('Ended releases, newest first.'),
  alerts: z.array(pendingAlert).max(20).optional().describe('Alerts that are not yet delivered.'),
  conditions: z.array(condition).max(20).optional(),
})
export type RolloutStatus = z.infer<typeof rolloutStatus>
