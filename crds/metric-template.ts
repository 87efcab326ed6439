import {z} from 'zod'
import {secretKeyRef} from './common.ts'

/** A name in `{{ variables.<name> }}`. */
const variableName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/)

const templateVariable = z
  .strictObject({
    name: variableName.describe('Name, as in {{ variables.name }}.'),
    type: z
      .enum(['string', 'number', 'duration', 'regex'])
      .describe(
        'string: a text, which stands for itself in a regular expression too. number. duration: of PromQL, such as 5m or 1h30m. regex: a regular expression, which stands for itself as a group.',
      ),
    default: z.string().max(1024).optional().describe('Value where a check sets none; without it every check must.'),
    description: z.string().max(1024).optional().describe('What the variable is for; messages quote it.'),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "self.type != 'number' || !has(self.default) || self.default.matches('^-?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE]-?[0-9]+)?$')",
        message: 'the default must be a number, such as 0.5',
      },
      {
        rule: "self.type != 'duration' || !has(self.default) || self.default.matches('^([0-9]+(ms|s|m|h|d|w|y))+$')",
        message: 'the default must be a duration of PromQL, such as 5m or 1h30m',
      },
    ],
  })
export type TemplateVariable = z.infer<typeof templateVariable>

export const metricTemplateSpec = z.strictObject({
  query: z
    .string()
    .min(1)
    .max(4096)
    .describe(
      "PromQL; the variables are those of a threshold check's query, and {{ variables.name }} for each of `variables`.",
    ),
  variables: z
    .array(templateVariable)
    .max(20)
    .default([])
    .describe('Variables of the query that a check sets in its templateRef.'),
  address: z
    .string()
    .max(2048)
    .regex(/^https?:\/\//)
    .optional()
    .describe("Prometheus to ask; the controller's own when unset."),
  configRef: secretKeyRef
    .optional()
    .describe(
      'How to connect: a key of a Secret in this namespace with a document in the words of the http_config of Prometheus (basic_auth, authorization, sigv4, tls_config, http_headers), without files.',
    ),
})
