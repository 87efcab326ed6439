// What is released: a workload that others manage, a pod template in the Rollout itself, or two Services that are there.
import {z} from 'zod'
import {objectName} from './common.ts'
import {preserveUnknownFields} from './structural.ts'

export const targetRef = z
  .strictObject({
    apiVersion: z.literal('apps/v1').describe('API version of the target.'),
    kind: z
      .enum(['Deployment', 'DaemonSet'])
      .describe('Kind of the target. A StatefulSet has identities that two slots cannot share.'),
    name: objectName.describe(
      'Name of the workload whose template is the source of revisions; no pod of its own runs once a slot serves.',
    ),
  })
  .describe('The workload that a merge changes. Fairlead reads its template and runs it in two slots of its own.')

const texts = z.record(z.string().max(317), z.string().max(262_144))

export const template = preserveUnknownFields(
  z.looseObject({
    metadata: preserveUnknownFields(
      z.looseObject({
        labels: texts.describe("Labels of the pods; the apex Service's selector, where Fairlead makes it."),
        annotations: texts.optional(),
      }),
    ),
    spec: preserveUnknownFields(
      z.looseObject({
        containers: z
          .array(
            preserveUnknownFields(z.looseObject({name: z.string().min(1).max(63), image: z.string().min(1).max(1024)})),
          )
          .min(1)
          .max(100),
      }),
    ),
  }),
).describe(
  "The pod template itself, instead of targetRef: the Rollout is then the only object that a merge changes, and its generation moves with each. Its slots are Deployments. All fields of a pod template may stand here; the API server checks them when the canary's slot is filled.",
)

export const serviceRefs = z
  .strictObject({
    a: objectName.describe('Service of the one version.'),
    b: objectName.describe('Service of the other version.'),
    serve: z
      .enum(['a', 'b'])
      .describe('Which of the two is to have all of the traffic. A change of it is a release of that version.'),
  })
  .meta({
    description:
      'Two Services, each with a workload behind it that others manage, instead of targetRef: Fairlead moves the traffic between them, and neither makes nor scales a pod.',
    'x-kubernetes-validations': [{rule: 'self.a != self.b', message: 'a and b must be two Services'}],
  })
