import {z} from 'zod'

export const metricTemplateSpec = z.strictObject({
  query: z
    .string()
    .min(1)
    .max(4096)
    .describe("PromQL that yields one number; the variables are those of a threshold check's query."),
  address: z
    .string()
    .max(2048)
    .regex(/^https?:\/\//)
    .optional()
    .describe("Prometheus to ask; the controller's own when unset."),
})
