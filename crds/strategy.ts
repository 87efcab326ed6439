// How a release proceeds. Every strategy is a list of steps and a last traffic move (controller/core/steps.ts).
import {z} from 'zod'
import {duration, objectName} from './common.ts'

const onlyOne = (message: string) => [{rule: 'has(self.exact) != has(self.regex)', message}]

/** A named text of a request: the whole of it, or a regular expression (RE2) for the whole of it. */
const textMatch = (what: string, name: z.ZodString) =>
  z
    .strictObject({
      name: name.describe(`Name of the ${what}.`),
      exact: z.string().min(1).max(1024).optional().describe('The whole value.'),
      regex: z.string().min(1).max(1024).optional().describe('Regular expression (RE2) for the whole value.'),
    })
    .meta({'x-kubernetes-validations': onlyOne('set exactly one: exact or regex')})

const headerName = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[A-Za-z0-9!#$%&'*+\-.^_|~]+$/)
const cookieName = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[A-Za-z0-9_.-]+$/)

const match = z
  .strictObject({
    headers: z.array(textMatch('header', headerName)).min(1).max(8).optional(),
    cookies: z
      .array(
        z.strictObject({
          name: cookieName.describe('Name of the cookie.'),
          value: z
            .string()
            .min(1)
            .max(256)
            .regex(/^[A-Za-z0-9_.~+/=-]+$/)
            .describe('Its whole value.'),
        }),
      )
      .min(1)
      .max(4)
      .optional(),
    queryParams: z
      .array(textMatch('query parameter', z.string().min(1).max(256)))
      .min(1)
      .max(8)
      .optional(),
    source: z
      .strictObject({
        labels: z
          .record(z.string().max(316), z.string().max(63))
          .optional()
          .meta({
            description: "Labels of the calling workload's pods.",
            'x-kubernetes-validations': [
              {
                rule: 'size(self) > 0',
                message: 'name at least one label: labels without an entry are those of every caller',
              },
            ],
          }),
        namespace: z.string().min(1).max(63).optional().describe('Namespace of the caller.'),
        region: z
          .string()
          .min(1)
          .max(63)
          .optional()
          .describe('Region of the caller: label topology.kubernetes.io/region of its pods.'),
      })
      .optional()
      .meta({
        description: 'Who calls.',
        'x-kubernetes-validations': [
          {
            rule: 'has(self.labels) || has(self.namespace) || has(self.region)',
            message: 'set at least one of labels, namespace and region',
          },
        ],
      }),
  })
  .meta({
    description: 'Requests that meet all of what is set.',
    'x-kubernetes-validations': [
      {
        rule: 'has(self.headers) || has(self.cookies) || has(self.queryParams) || has(self.source)',
        message: 'set at least one of headers, cookies, queryParams and source',
      },
    ],
  })
/** Requests that meet all of what is set. */
export type Match = z.infer<typeof match>

const matches = z
  .array(match)
  .min(1)
  .max(8)
  .describe('Requests that get the new version whatever the weight: those that meet any of these.')

const sticky = z
  .strictObject({
    cookie: cookieName
      .optional()
      .describe('Name of the cookie that Fairlead sets; fairlead-<name of the Rollout> when unset.'),
    maxAge: duration.default('24h').describe('How long a browser keeps it.'),
  })
  .describe(
    'A user whom the new version has answered stays with it while the release lasts, whatever the weight; a rollback moves everybody.',
  )

const pause = z
  .strictObject({
    duration: duration
      .optional()
      .describe('Shortest stay on this step. Unset: until somebody says skip-step or promote.'),
  })
  .describe('Stay on this step for a time, or until told.')

const checkNames = z.array(z.string().min(1).max(63)).max(20)

const percent = z.int().min(1).max(100)

const fault = z
  .strictObject({
    service: objectName.describe('Service that the canary calls, in the same namespace.'),
    percent: percent.default(10).describe("Share of the canary's requests to it, in percent, that meet the fault."),
    delay: duration.optional().describe('The fault: an answer that comes so much later.'),
    abort: z.int().min(400).max(599).optional().describe('The fault: this HTTP status instead of an answer.'),
  })
  .meta({
    'x-kubernetes-validations': [{rule: 'has(self.delay) || has(self.abort)', message: 'set delay, abort or both'}],
  })
export type Fault = z.infer<typeof fault>

const canaryStep = z.strictObject({
  weight: z
    .int()
    .min(0)
    .max(100)
    .describe('Share of the requests, in percent, that the canary gets in this step. 0: its pods run and get none.'),
  mirror: percent
    .optional()
    .describe("Share of the primary's requests, in percent, that the canary gets a copy of; only at weight 0."),
  faults: z
    .array(fault)
    .min(1)
    .max(8)
    .optional()
    .describe(
      "A chaos gate: what the canary's calls to other Services meet in this step, in which its checks must hold. They are away while the release is paused or waits.",
    ),
  pause: pause.optional(),
  minimumDwell: duration.optional().describe('Shortest stay on this step; analysis.minimumDwell when unset.'),
  maximumDwell: duration
    .optional()
    .describe(
      'Longest stay on this step without a verdict, from its begin; what analysis.inconclusiveDeadline gives beyond the shortest stay when unset.',
    ),
  checks: checkNames
    .optional()
    .describe(
      'Names of the checks that are in force on this step. Unset: all of them; none where the canary gets no requests.',
    ),
  pods: percent
    .optional()
    .describe(
      'Pods of the canary in this step, in percent of the full number; as many as the weight when unset, and never fewer than that.',
    ),
})

/** Weight at which the steps that stepWeight makes end when the user gave none, percent. */
export const defaultMaxWeight = 50

const canary = z
  .strictObject({
    steps: z
      .array(canaryStep)
      .min(1)
      .max(50)
      .optional()
      .describe('Weights in rising order. The last traffic move, to 100, is the promotion and needs no step.'),
    stepWeight: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('Instead of steps: by how much the weight rises with each step, in percent.'),
    maxWeight: percent
      .optional()
      .describe(`Weight of the last step that stepWeight makes; ${defaultMaxWeight} when unset.`),
    match: matches
      .optional()
      .describe(
        'Requests that get the new version whatever the weight: those that meet any of these; once the steps with mirror are over.',
      ),
    sticky: sticky.optional(),
  })
  .meta({
    description: "Raise the canary's weight step by step.",
    'x-kubernetes-validations': [
      {rule: 'has(self.steps) != has(self.stepWeight)', message: 'set exactly one: steps or stepWeight'},
      {
        rule: '!has(self.maxWeight) || (has(self.stepWeight) && self.stepWeight <= self.maxWeight)',
        message: 'maxWeight belongs to stepWeight, and must not be below it',
      },
      {
        rule: `!has(self.stepWeight) || has(self.maxWeight) || self.stepWeight <= ${defaultMaxWeight}`,
        message: `stepWeight is above ${defaultMaxWeight}, where the steps end: set maxWeight, or a smaller stepWeight`,
      },
    ],
  })

const abTest = z
  .strictObject({
    match: matches,
    weight: z
      .int()
      .min(0)
      .max(75)
      .default(0)
      .describe('Share of all other requests, in percent, that the new version gets too.'),
    duration: duration.default('10m').describe('Shortest time of the test.'),
    pause: pause.optional(),
    checks: checkNames.optional().describe('Names of the checks that are in force; all of them when unset.'),
    sticky: sticky.optional(),
  })
  .describe('Give the new version to certain requests, and promote it to all of them if the analysis passes.')

const blueGreen = z
  .strictObject({
    previewService: objectName
      .optional()
      .describe(
        'Service that reaches the new version from when its pods are ready to the switch, and else the primary; <service>-preview when unset.',
      ),
    mirror: percent
      .optional()
      .describe("Share of the primary's requests, in percent, that the new version gets a copy of before the switch."),
    pause: pause.optional(),
    checks: checkNames
      .optional()
      .describe(
        'Names of the checks that must pass before the switch, on what tests send to the preview Service, or on copies. Unset: all of them with mirror, else none. After the switch all of them are in force.',
      ),
  })
  .describe('Fill the other slot in full, test it through a preview Service, and switch all traffic at once.')

export const strategy = z
  .strictObject({canary: canary.optional(), abTest: abTest.optional(), blueGreen: blueGreen.optional()})
  .meta({
    description: 'How a release proceeds: exactly one strategy.',
    'x-kubernetes-validations': [
      {
        rule: '[has(self.canary), has(self.abTest), has(self.blueGreen)].filter(x, x).size() == 1',
        message: 'set exactly one strategy: canary, abTest or blueGreen',
      },
    ],
  })
