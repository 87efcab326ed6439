// The four kinds, in one table: everything that their CustomResourceDefinitions say beyond the schemas.
import type {z} from 'zod'
import {alertChannelSpec} from './alert-channel.ts'
import {gitSyncSpec, gitSyncStatus} from './git-sync.ts'
import {metricTemplateSpec} from './metric-template.ts'
import {group, version} from './names.ts'
import {rolloutSpec} from './rollout.ts'
import {rolloutStatus} from './rollout-status.ts'
import {settledFields} from './settled-fields.ts'
import {type ListKeys, type StructuralSchema, structuralSchema, type ValidationRule} from './structural.ts'

interface PrinterColumn {
  name: string
  type: 'string' | 'integer' | 'date'
  jsonPath: string
  description?: string
  priority?: number
}

interface Kind {
  kind: string
  plural: string
  singular: string
  shortNames: string[]
  description: string
  spec: z.ZodType
  status?: z.ZodType
  /** Paths of the scale subresource. */
  scale?: {specReplicasPath: string; statusReplicasPath: string; labelSelectorPath: string}
  columns: PrinterColumn[]
  /** CEL rules of the whole spec. */
  rules: ValidationRule[]
  /** CEL rules of the whole object, status included. */
  objectRules?: readonly ValidationRule[]
  /** Lists whose items have an identity. */
  specListKeys?: ListKeys
  statusListKeys?: ListKeys
}

const age: PrinterColumn = {name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp'}

function column(name: string, jsonPath: string, type: PrinterColumn['type'] = 'string', priority = 0): PrinterColumn {
  return priority === 0 ? {name, type, jsonPath} : {name, type, jsonPath, priority}
}

export const kinds: readonly Kind[] = [
  {
    kind: 'Rollout',
    plural: 'rollouts',
    singular: 'rollout',
    shortNames: ['frl'],
    description: 'Releases the revisions of a workload by moving traffic between two slots.',
    spec: rolloutSpec,
    status: rolloutStatus,
    scale: {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    },
    columns: [
      column('Phase', '.status.phase'),
      column('Weight', '.status.canaryWeight', 'integer'),
      column('Step', '.status.step'),
      column('Primary', '.status.primaryImage'),
      column('Canary', '.status.canaryImage'),
      column('Message', '.status.message'),
      age,
      column('Revision', '.status.source.revision', 'string', 1),
      column('Commit', '.status.source.commit', 'string', 1),
    ],
    rules: [
      {
        rule: '[has(self.targetRef), has(self.template), has(self.serviceRefs)].filter(x, x).size() == 1',
        message: 'set exactly one of targetRef, template and serviceRefs',
      },
      {
        rule: "!has(self.replicas) || has(self.template) || (has(self.targetRef) && self.targetRef.kind == 'Deployment')",
        message:
          'replicas is for a Deployment or a template: a DaemonSet has a pod on every node, and pods behind serviceRefs are not scaled by Fairlead',
      },
      {
        rule: 'has(self.targetRef) == has(oldSelf.targetRef) && (!has(self.targetRef) || self.targetRef == oldSelf.targetRef)',
        message: 'spec.targetRef cannot change: delete the Rollout, which gives the target back, and create another',
      },
      {
        rule: 'has(self.serviceRefs) == has(oldSelf.serviceRefs) && (!has(self.serviceRefs) || (self.serviceRefs.a == oldSelf.serviceRefs.a && self.serviceRefs.b == oldSelf.serviceRefs.b))',
        message: 'the Services of spec.serviceRefs cannot change, only serve: delete the Rollout and create another',
      },
    ],
    objectRules: settledFields,
    specListKeys: {'spec.analysis.checks': ['name']},
    statusListKeys: {'status.conditions': ['type'], 'status.checks': ['name']},
  },
  {
    kind: 'GitSync',
    plural: 'gitsyncs',
    singular: 'gitsync',
    shortNames: ['fgs'],
    description: 'Applies what a folder of a Git repository holds.',
    spec: gitSyncSpec,
    status: gitSyncStatus,
    columns: [
      column('Ready', '.status.conditions[?(@.type=="Ready")].status'),
      column('Commit', '.status.lastAppliedCommit'),
      column('Reason', '.status.conditions[?(@.type=="Ready")].reason'),
      age,
      column('Message', '.status.message', 'string', 1),
    ],
    rules: [],
    statusListKeys: {'status.conditions': ['type']},
  },
  {
    kind: 'MetricTemplate',
    plural: 'metrictemplates',
    singular: 'metrictemplate',
    shortNames: ['fmt'],
    description: 'A query that several checks share.',
    spec: metricTemplateSpec,
    columns: [age],
    rules: [],
    specListKeys: {'spec.variables': ['name']},
  },
  {
    kind: 'AlertChannel',
    plural: 'alertchannels',
    singular: 'alertchannel',
    shortNames: ['fac'],
    description: 'Where alerts go.',
    spec: alertChannelSpec,
    columns: [age],
    rules: [],
  },
]

/** The CustomResourceDefinition of one kind. */
export function definitionOf(kind: Kind): {apiVersion: string; kind: string; metadata: {name: string}; spec: object} {
  const {plural, singular, shortNames, columns, scale, status} = kind
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {name: `${plural}.${group}`},
    spec: {
      group,
      scope: 'Namespaced',
      names: {kind: kind.kind, listKind: `${kind.kind}List`, plural, singular, shortNames, categories: ['fairlead']},
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: {openAPIV3Schema: rootSchema(kind)},
          ...(status ? {subresources: {status: {}, ...(scale ? {scale} : {})}} : {}),
          additionalPrinterColumns: columns,
        },
      ],
    },
  }
}

/** Structural schemas of spec and status, by field; for the definition and for the reference documentation. */
export function schemasOf(kind: Kind): {spec: StructuralSchema; status?: StructuralSchema} {
  const spec = structuralSchema(kind.spec, 'spec', kind.specListKeys)
  if (kind.rules.length > 0)
    spec['x-kubernetes-validations'] = [...(spec['x-kubernetes-validations'] ?? []), ...kind.rules]
  return {spec, ...(kind.status ? {status: structuralSchema(kind.status, 'status', kind.statusListKeys)} : {})}
}

function rootSchema(kind: Kind): StructuralSchema {
  return {
    type: 'object',
    description: kind.description,
    required: ['spec'],
    properties: {apiVersion: {type: 'string'}, kind: {type: 'string'}, metadata: {type: 'object'}, ...schemasOf(kind)},
    ...(kind.objectRules ? {'x-kubernetes-validations': [...kind.objectRules]} : {}),
  }
}
