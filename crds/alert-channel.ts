import {z} from 'zod'
import {secretKeyRef} from './common.ts'

const address = {
  url: z
    .string()
    .max(2048)
    .regex(/^https?:\/\//)
    .optional()
    .describe('Address that takes the message.'),
  urlFrom: secretKeyRef.optional().describe('Secret key in this namespace that holds the address.'),
}
const oneAddress = {
  'x-kubernetes-validations': [
    {rule: 'has(self.url) != has(self.urlFrom)', message: 'set exactly one of url and urlFrom'},
  ],
}

export const alertChannelSpec = z
  .strictObject({
    webhook: z
      .strictObject(address)
      .meta({description: 'Generic webhook: a JSON document by POST.', ...oneAddress})
      .optional(),
    slack: z
      .strictObject({
        ...address,
        channel: z.string().max(80).optional().describe('Channel, where the address allows a choice.'),
      })
      .meta({description: 'Slack incoming webhook.', ...oneAddress})
      .optional(),
  })
  .meta({
    description: 'Where alerts go: exactly one type.',
    'x-kubernetes-validations': [
      {rule: 'has(self.webhook) != has(self.slack)', message: 'set exactly one of webhook and slack'},
    ],
  })
