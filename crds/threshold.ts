// A check with fixed bounds: what a user may write, and what the controller remembers of it.
import {z} from 'zod'
import {duration, objectName} from './common.ts'

/** Evaluations that a failure limit may look back on. */
export const maximumOutcomes = 20

const evaluations = z.int().min(1).max(maximumOutcomes)

const failureLimit = z
  .strictObject({
    consecutive: evaluations.optional().describe('The check fails at this many failed evaluations in a row.'),
    count: evaluations.optional().describe('The check fails at this many failed evaluations among the last `outOf`.'),
    outOf: evaluations.optional().describe('Number of evaluations that `count` looks back on.'),
  })
  .meta({
    description:
      'How many evaluations have to fail before the check does; one when unset. Below the limit the weight holds: the check neither passes nor fails. Evaluations without data or with an error are left out of the count.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.consecutive) ? !has(self.count) && !has(self.outOf) : has(self.count) && has(self.outOf)',
        message: 'set either consecutive, or count and outOf',
      },
      {
        rule: '!has(self.count) || !has(self.outOf) || self.count <= self.outOf',
        message: 'count must not be above outOf: the check could never fail',
      },
    ],
  })

const templateRef = z.strictObject({
  name: objectName.describe('Name of the MetricTemplate.'),
  variables: z
    .record(z.string().max(63), z.string().max(1024))
    .optional()
    .meta({
      description:
        'Values of its variables, by name, all as text: quote numbers. A variable without a default needs one.',
      'x-kubernetes-validations': [{rule: 'size(self) <= 20', message: 'set at most 20 variables'}],
    }),
})

const fields = z.strictObject({
  metric: z
    .enum(['requestSuccessRate', 'requestDuration', 'plaintextRequests'])
    .optional()
    .describe(
      'Built-in metric of the mesh: requestSuccessRate in percent, requestDuration in milliseconds at `quantile`, plaintextRequests as the number of requests that reached the canary without mutual TLS.',
    ),
  query: z
    .string()
    .min(1)
    .max(4096)
    .optional()
    .describe(
      'PromQL that yields one number, or several series with `series`. Variables: {{ namespace }}, {{ rollout }}, {{ canary.workload }}, {{ canary.podPattern }}, {{ primary.workload }}, {{ primary.podPattern }}, {{ window }}.',
    ),
  templateRef: templateRef.optional().describe('MetricTemplate in this namespace that holds the query.'),
  quantile: z.number().gt(0).lt(1).optional().describe('Quantile of requestDuration; 0.99 when unset.'),
  min: z.number().optional().describe('An evaluation fails below this.'),
  max: z.number().optional().describe('An evaluation fails above this.'),
  series: z
    .enum(['single', 'any', 'all', 'sum', 'avg', 'max', 'min'])
    .optional()
    .describe(
      'What becomes of several series. single (when unset): several are an error. all: every one must be within the bounds. any: one within them is enough. sum, avg, max, min: the bounds hold for this figure of all series, each of which must be a number.',
    ),
  failureLimit: failureLimit.optional(),
  noData: z
    .enum(['wait', 'pass', 'fail'])
    .optional()
    .describe(
      'What an answer without series, or one that is not a number, counts as. wait (when unset): as neither, and the weight holds. pass lets a version be promoted that nobody measured. fail rolls back when traffic or scraping stops, whatever the version does. Errors always wait.',
    ),
  initialDelay: duration
    .optional()
    .describe('The check is not evaluated until the weight of a step has been in force for so long.'),
  dryRun: z
    .boolean()
    .optional()
    .describe('The result is reported and counts for nothing, as if the check were not there.'),
})

export const threshold = fields.meta({
  description: 'One figure against fixed bounds.',
  'x-kubernetes-validations': [
    {
      rule: '[has(self.metric), has(self.query), has(self.templateRef)].filter(x, x).size() == 1',
      message: 'set exactly one of metric, query and templateRef',
    },
    {rule: 'has(self.min) || has(self.max)', message: 'set min, max or both: a check without a bound can never fail'},
    {rule: '!has(self.min) || !has(self.max) || self.min <= self.max', message: 'min must not be above max'},
    {
      rule: "!has(self.quantile) || (has(self.metric) && self.metric == 'requestDuration')",
      message: 'quantile belongs to metric requestDuration',
    },
    {
      rule: "!has(self.metric) || self.metric != 'requestSuccessRate' || !has(self.min) || (self.min > 1.0 && self.min <= 100.0)",
      message: 'requestSuccessRate is in percent: min must lie above 1 and not above 100, such as 99 rather than 0.99',
    },
    {
      rule: "!has(self.metric) || !has(self.max) || self.max >= 0.0 && (self.metric != 'requestDuration' || self.max > 0.0)",
      message:
        'the built-in metrics are never below 0: max must not be negative, and that of requestDuration must be above 0',
    },
    {
      rule: "!has(self.metric) || self.metric != 'plaintextRequests' || (has(self.max) && !has(self.min))",
      message: 'plaintextRequests needs max, such as 0, and no min',
    },
    {
      rule: "!has(self.metric) || self.metric != 'plaintextRequests' || !has(self.noData) || self.noData != 'pass'",
      message: 'plaintextRequests must not have noData pass: a version that no request has reached would pass the gate',
    },
    {
      rule: '!has(self.metric) || !has(self.series)',
      message: 'series belongs to query and templateRef: a built-in metric is one figure',
    },
  ],
})

/** What a threshold check with a failure limit remembers of a release between two evaluations. */
export const thresholdMemory = z.strictObject({
  name: z.string().max(63).describe('Name of the check.'),
  through: z.string().max(64).describe('Grid time of the last evaluation that is in here.'),
  outcomes: z
    .string()
    .max(maximumOutcomes)
    .regex(/^[pf]*$/)
    .describe('Evaluations that had a verdict, the newest last: p passed, f failed.'),
})
export type ThresholdMemory = z.infer<typeof thresholdMemory>
