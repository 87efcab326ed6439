// What the judge remembers of a release between two polls: numbers alone, never series (law 10). From these and what
// Prometheus holds since `through`, whoever restarts computes the same as whoever did not.
import {z} from 'zod'

const time = z.string().max(64)
const logarithms = (maximum: number) => z.array(z.number()).max(maximum)
const margin = z.array(z.number()).max(2)
const counts = z.array(z.int().min(0)).max(64)

export const tally = z.strictObject({failed: z.int().min(0), total: z.int().min(0)})
export type Tally = z.infer<typeof tally>

const restartedProcess = z.strictObject({restarts: z.int().min(0), logs: logarithms(8)})

const proportion = z.strictObject({
  boundMilliseconds: z.number().optional().describe('Bucket bound above which a request counts as slow.'),
  slowerThanMilliseconds: z.number().optional().describe('What the check asked for when that bound was taken.'),
  firstBatchAt: time.optional(),
  rollbackRelative: restartedProcess,
  rollbackAbsolute: restartedProcess,
  advanceRelative: logarithms(3),
  advanceAbsolute: logarithms(3),
  dispersion: z.strictObject({weightedSum: z.number(), weights: z.number(), pending: tally.optional()}),
  logLikelihoods: logarithms(29),
  canary: tally.describe('Requests of all batches that count.'),
  primary: tally,
  canaryStep: tally.describe('Those of the step under way.'),
})
/** Evidence of one yes-or-no question, asked of each request: did it fail, was it slower than a bound. */
export type ProportionEvidence = z.infer<typeof proportion>

const bands = z.strictObject({
  bounds: z.array(z.number()).max(64),
  canary: counts,
  primary: counts,
  canaryTotal: z.int().min(0),
  primaryTotal: z.int().min(0),
})
/** Requests of the step under way per arm that took at most each bound, in milliseconds. */
export type BandEvidence = z.infer<typeof bands>

const compareEvidence = z.strictObject({
  name: z.string().max(63),
  harmless: margin
    .optional()
    .describe('Margin that the evidence of harm is gathered against, as share and odds ratio.'),
  harmful: margin
    .optional()
    .describe('The same for the evidence of harmlessness. Each begins anew where it is edited.'),
  against: z.literal('baseline').optional().describe('The spec has the canary compared with a baseline.'),
  proportions: z.array(proportion).max(4),
  bands: bands.optional(),
  bandsBegun: z.int().min(0).optional().describe('How often their counts began: each time has its share of alpha.'),
  apart: z
    .strictObject({
      proportions: z.array(proportion).max(4),
      bands: bands.optional(),
      incident: z.boolean().describe('The primary failed more than its objective in the last poll.'),
    })
    .optional()
    .describe(
      'Where the arms come from different scrapes: the evidence before the last poll, which an incident takes back.',
    ),
  harmHeld: z
    .boolean()
    .optional()
    .describe('The last poll met the condition to roll back; it takes two where the arms come from different scrapes.'),
})
export type CompareEvidence = z.infer<typeof compareEvidence>

export const evidence = z.strictObject({
  through: time.describe('Last grid time whose counters are in here.'),
  step: z.string().max(16).describe('Step that the evidence for advancing belongs to.'),
  checks: z.array(compareEvidence).max(20),
})
export type Evidence = z.infer<typeof evidence>
