// Checks that compare the canary with the primary.
import {z} from 'zod'
import {duration} from './common.ts'

const margin = (of: string) =>
  z.strictObject({
    percent: z.number().gt(0).lt(100).optional().describe(`Share of the canary's requests, in percent, ${of}.`),
    oddsRatio: z.number().min(1).max(100).optional().describe(`Odds against the primary's, as a multiple, ${of}.`),
  })

export const compare = z
  .strictObject({
    metric: z
      .enum(['requestErrors', 'requestDuration'])
      .describe(
        'requestErrors: the share of requests that fail. requestDuration: the share that is slower than `slowerThan`, and the whole distribution for large shifts.',
      ),
    slowerThan: duration
      .optional()
      .describe("A request that takes longer is slow. Taken up to the next bound that both versions' histograms have."),
    furtherBounds: z.array(duration).max(3).optional().describe('Further such bounds; every one must pass.'),
    harmless: margin('up to which it counts as harmless: 0.1 and 1.5 (requestDuration: 1.25) when unset')
      .optional()
      .describe('A canary within one of the two is not rolled back, but with probability alpha.'),
    harmful: margin('from which on it counts as harmful: 1 (lowTraffic: 5) and 3 (requestDuration: 2) when unset')
      .optional()
      .describe('A canary beyond both does not advance a step, but with probability beta.'),
    weight: z
      .number()
      .gt(0)
      .max(1000)
      .default(1)
      .describe('Share of alpha that this check gets, beside the other compare checks.'),
  })
  .meta({
    description: 'The canary against the primary, by a sequential test on the same requests of the same time.',
    'x-kubernetes-validations': [
      {
        rule: "(self.metric == 'requestDuration') == has(self.slowerThan)",
        message: 'slowerThan belongs to metric requestDuration, which needs it',
      },
      {rule: 'has(self.slowerThan) || !has(self.furtherBounds)', message: 'furtherBounds needs slowerThan'},
      {
        rule: '!has(self.harmless) || !has(self.harmful) || !has(self.harmless.percent) || !has(self.harmful.percent) || self.harmless.percent < self.harmful.percent',
        message: 'harmless.percent must be below harmful.percent',
      },
      {
        rule: '!has(self.harmless) || !has(self.harmful) || !has(self.harmless.oddsRatio) || !has(self.harmful.oddsRatio) || self.harmless.oddsRatio < self.harmful.oddsRatio',
        message: 'harmless.oddsRatio must be below harmful.oddsRatio',
      },
    ],
  })
export type Compare = z.infer<typeof compare>
