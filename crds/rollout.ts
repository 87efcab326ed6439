import {z} from 'zod'
import {duration, localRef, objectName} from './common.ts'
import {compare} from './compare.ts'
import {safeguards} from './safeguards.ts'
import {strategy} from './strategy.ts'
import {threshold} from './threshold.ts'
import {traffic} from './traffic.ts'
import {serviceRefs, targetRef, template} from './workload.ts'

const servicePort = z.strictObject({
  name: z.string().max(63).optional().describe('Port name; required when there are several ports.'),
  port: z.int().min(1).max(65_535).describe('Port that callers use.'),
  targetPort: z
    .union([z.int().min(1).max(65_535), z.string().min(1).max(63)])
    .optional()
    .describe('Container port, by number or name; the port itself when unset.'),
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).default('TCP'),
  appProtocol: z.string().max(253).optional().describe('Application protocol that a mesh reads, such as http or grpc.'),
})

const service = z
  .strictObject({
    name: objectName
      .optional()
      .describe(
        'Apex Service that callers use; the name of the target when unset, or that of the Rollout where there is no target.',
      ),
    ports: z
      .array(servicePort)
      .min(1)
      .max(32)
      .optional()
      .describe(
        'Ports of the apex Service when Fairlead makes it; an existing Service is adopted with all of its own ports.',
      ),
    selector: z
      .enum(['exclusive', 'shared'])
      .default('exclusive')
      .describe(
        "exclusive: releases wait until the selector of the apex Service is Fairlead's to move. shared: accept that callers outside the mesh reach every ready canary pod, at weight 0 too.",
      ),
  })
  .describe('The Service that callers use.')

const check = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe('Name of the check in status, events and alerts.'),
    threshold: threshold.optional(),
    compare: compare.optional(),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'has(self.threshold) != has(self.compare)',
        message: 'set exactly one kind of check: threshold or compare',
      },
    ],
  })

const analysis = z
  .strictObject({
    interval: duration
      .optional()
      .describe(
        'Time between two evaluations. Default: the scrape interval of the counters, from 5s to 15s, found when a release begins; 15s where it cannot be told.',
      ),
    window: duration
      .default('1m')
      .describe(
        'Time that one evaluation looks back; at least four scrapes. A step is judged once a whole window lies in it.',
      ),
    checks: z
      .array(check)
      .max(20)
      .default([])
      .describe('Every check must pass before a weight rises; one that fails rolls back.'),
    preset: z
      .enum(['standard', 'lowTraffic'])
      .default('standard')
      .describe(
        'Defaults of compare checks. lowTraffic: only a canary that fails 5 % counts as harmful, and one in five such steps may advance; a clean step takes 53 canary requests instead of 435.',
      ),
    alpha: z
      .number()
      .gt(0)
      .max(0.5)
      .default(0.01)
      .describe('Probability that the compare checks roll a harmless canary back, over the whole release.'),
    beta: z
      .number()
      .gt(0)
      .max(0.5)
      .optional()
      .describe('Probability that a step advances a harmful canary; 0.05 when unset, 0.2 with preset lowTraffic.'),
    baseline: z
      .boolean()
      .default(false)
      .describe(
        "Compare with a fresh copy of the primary's version instead of the primary itself, so that warm caches and long-lived connections favour neither: Deployment <target>-baseline, with as many pods as the canary, in the primary's slot for the time of the steps. Only where the mesh's metrics tell workloads apart: Istio.",
      ),
    sharedIncident: z
      .strictObject({
        percent: z
          .number()
          .gt(0)
          .max(100)
          .default(5)
          .describe("Share of the primary's requests in one poll, in percent."),
        requests: z.int().min(1).max(1_000_000).default(20).describe('Least number of its requests in that poll.'),
      })
      .prefault({})
      .describe('While the primary itself fails more than this, the weight holds: both versions suffer.'),
    minimumDwell: duration
      .default('0s')
      .describe('Shortest stay on every step; a step ends as soon as the checks pass after it.'),
    cleanRequests: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe(
        'For little traffic: at the deadline of a step, compare checks that need more requests pass if the canary had at least this many since the step began, or its last shared incident ended, and none of them was bad.',
      ),
    inconclusiveDeadline: duration
      .default('10m')
      .describe('How long a step may stay without a verdict before onInconclusive applies.'),
    onInconclusive: z
      .enum(['pause', 'rollback', 'promote'])
      .default('pause')
      .describe(
        'What happens at that deadline when the requests of the canary do not decide. promote goes on to the next step without a verdict: think twice. A canary that could not be measured (no data, or an error) always pauses.',
      ),
  })
  .describe('How the canary is judged.')

const bake = z.strictObject({
  duration: duration
    .default('10m')
    .describe('How long the previous version stays warm in its slot after the promotion, while the analysis goes on.'),
  holdback: z
    .int()
    .min(1)
    .max(50)
    .optional()
    .describe(
      'Share of the requests, in percent, that the previous version keeps during the bake, so that compare checks go on comparing, which takes 25 or more. Unset: none, and compare checks hold the new version to what the previous one failed during the release.',
    ),
})

const revision = z
  .strictObject({
    settle: duration
      .default('5s')
      .describe(
        'A change counts once template and ConfigMaps have been still for this long, or at once when all carry one commit stamp.',
      ),
    ignoreConfigMaps: z
      .array(objectName)
      .max(100)
      .default([])
      .describe('ConfigMaps that are not part of the revision and stay live.'),
    trackSecrets: z
      .array(objectName)
      .max(100)
      .default([])
      .describe(
        'Secrets that are part of the revision and are copied. All others stay live: a frozen copy of a rotated password takes the primary down.',
      ),
  })
  .describe('What makes a revision.')

const alert = z.strictObject({
  channelRef: localRef.describe('AlertChannel in this namespace.'),
  severity: z
    .enum(['info', 'warn', 'error'])
    .default('warn')
    .describe(
      'Lowest severity that is sent: info = every release, warn = pauses and rollbacks, error = rollbacks only.',
    ),
})

export const rolloutSpec = z.strictObject({
  targetRef: targetRef.optional(),
  template: template.optional(),
  serviceRefs: serviceRefs.optional(),
  replicas: z
    .int()
    .min(0)
    .max(10_000)
    .optional()
    .describe(
      'Number of pods that serve; autoscalers set it through the scale subresource. Unset: what the target had at adoption, or one. Not for a DaemonSet, which has a pod on every node, nor for Services that are there.',
    ),
  service: service.prefault({}),
  traffic,
  strategy,
  safeguards: safeguards.prefault({}),
  analysis: analysis.prefault({}),
  bake: bake.prefault({}),
  revision: revision.prefault({}),
  drainTime: duration
    .default('5s')
    .describe('Time between the moment a slot lost its traffic and the moment it is scaled down.'),
  progressDeadline: duration
    .default('10m')
    .describe('How long a slot may take to become ready before the release is rolled back.'),
  pause: z.boolean().default(false).describe('Hold the release under way at its weight; it may still roll back.'),
  suspend: z
    .boolean()
    .default(false)
    .describe('Start no new release and promote none; a release under way may still roll back.'),
  alerts: z.array(alert).max(20).default([]).describe('Who is told.'),
})
export type RolloutSpec = z.infer<typeof rolloutSpec>
export type Analysis = RolloutSpec['analysis']
export type Check = z.infer<typeof check>
export type Threshold = z.infer<typeof threshold>
