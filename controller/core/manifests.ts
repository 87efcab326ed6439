// Renders what Fairlead makes: slots, their Services, config copies, snapshots. Nothing here has an ownerReference, and
// slot objects carry none of the user's labels: others would take them for theirs (DESIGN.md, section 1).
import type {JsonObject, KubeObject} from '../../crds/meta.ts'
import {annotations, labels} from '../../crds/names.ts'
import type {SlotContent} from '../../crds/rollout-status.ts'
import type {SlotName} from '../../crds/slots.ts'
import {withoutHashes} from './apex.ts'
import type {ConfigInput, Observation} from './observation.ts'
import {copyName, frozenTemplate, type Snapshot, type Source} from './revision.ts'
import {slotKindOf} from './workloads.ts'

// biome-ignore lint/suspicious/noExplicitAny: pod templates and Services are the user's own JSON.
type Loose = any

export function slotNameOf(target: string, slot: SlotName): string {
  return `${target}-${slot}`
}

/** Name of a fresh copy of the primary's version. */
export function baselineNameOf(target: string): string {
  return `${target}-baseline`
}

/** Labels that select one slot's pods. */
export function slotLabels(rollout: string, slot: SlotName): Record<string, string> {
  return {[labels.rollout]: rollout, [labels.slot]: slot}
}

export function ownerAnnotations(rollout: KubeObject): Record<string, string> {
  return {[annotations.owner]: rollout.metadata.uid ?? ''}
}

/** The template of a slot's pods: the frozen one, with the slot's labels, also where it selects its own pods. */
export function slotTemplate(rollout: string, slot: SlotName, frozen: JsonObject): JsonObject {
  const template: Loose = structuredClone(frozen)
  const own: Record<string, string> = template.metadata?.labels ?? {}
  const slotLabel = {[labels.slot]: slot}
  template.metadata = {...template.metadata, labels: {...own, ...slotLabels(rollout, slot)}}
  delete template.metadata.creationTimestamp
  const spec = template.spec ?? {}
  for (const constraint of spec.topologySpreadConstraints ?? []) narrow(constraint, own, slotLabel)
  for (const side of [spec.affinity?.podAffinity, spec.affinity?.podAntiAffinity]) {
    for (const term of side?.requiredDuringSchedulingIgnoredDuringExecution ?? []) narrow(term, own, slotLabel)
    for (const term of side?.preferredDuringSchedulingIgnoredDuringExecution ?? []) {
      narrow(term.podAffinityTerm, own, slotLabel)
    }
  }
  return template
}

/** Adds the slot label to a selector that selects the template's own pods: else two slots count as one. */
function narrow(term: Loose, own: Record<string, string>, slotLabel: Record<string, string>): void {
  const selector = term?.labelSelector
  if (!selector) return
  const wanted: Record<string, string> = selector.matchLabels ?? {}
  const expressions: Loose[] = selector.matchExpressions ?? []
  const selects =
    Object.entries(wanted).every(([key, value]) => own[key] === value) &&
    expressions.every(one => expressionHolds(one, own))
  if (selects) selector.matchLabels = {...wanted, ...slotLabel}
}

function expressionHolds(expression: Loose, own: Record<string, string>): boolean {
  const value = own[expression.key]
  const values: string[] = expression.values ?? []
  switch (expression.operator) {
    case 'In':
      return value !== undefined && values.includes(value)
    case 'NotIn':
      return value === undefined || !values.includes(value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    default:
      return false
  }
}

/** A slot's workload, without replicas: those are set through the scale subresource alone. */
export function slotWorkload(observation: Observation, content: SlotContent, snapshot: Snapshot): KubeObject {
  const {rollout, meshContext} = observation
  const {name, namespace} = meshContext.rollout
  const selector = slotLabels(name, content.slot)
  const stamps: Record<string, string> = {
    ...ownerAnnotations(rollout),
    [annotations.revision]: content.revision,
    [annotations.filledAt]: content.filledAt,
  }
  if (content.commit) {
    stamps[annotations.commit] = content.commit.hash
    if (content.commit.author) stamps[annotations.commitAuthor] = content.commit.author
    if (content.commit.subject) stamps[annotations.commitSubject] = content.commit.subject
  }
  return {
    apiVersion: 'apps/v1',
    kind: slotKindOf(observation.spec) ?? 'Deployment',
    metadata: {name: meshContext.slots[content.slot], namespace, labels: selector, annotations: stamps},
    spec: {
      ...snapshot.workload,
      revisionHistoryLimit: 0,
      selector: {matchLabels: selector},
      template: slotTemplate(name, content.slot, snapshot.template),
    },
  }
}

/**
 * A fresh copy of the primary's version: its pods carry the slot's labels, so they get their share of the primary's
 * requests, and one label more, so that they are told apart. Without replicas, as a slot's.
 */
export function baselineWorkload(
  observation: Observation,
  name: string,
  primary: SlotContent,
  snapshot: Snapshot,
): KubeObject {
  const {rollout, meshContext} = observation
  const {name: owner, namespace} = meshContext.rollout
  const selector = {...slotLabels(owner, primary.slot), [labels.baseline]: 'true'}
  const template: Loose = slotTemplate(owner, primary.slot, snapshot.template)
  template.metadata.labels = {...template.metadata.labels, ...selector}
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name,
      namespace,
      labels: {[labels.rollout]: owner, [labels.baseline]: 'true'},
      annotations: {...ownerAnnotations(rollout), [annotations.revision]: primary.revision},
    },
    spec: {...snapshot.workload, revisionHistoryLimit: 0, selector: {matchLabels: selector}, template},
  }
}

/** A slot's ClusterIP Service: every port of the apex, by name, protocol and appProtocol. */
export function slotService(observation: Observation, slot: SlotName): KubeObject {
  const {rollout, meshContext} = observation
  const selector = slotLabels(meshContext.rollout.name, slot)
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: meshContext.slots[slot],
      namespace: meshContext.rollout.namespace,
      labels: selector,
      annotations: ownerAnnotations(rollout),
    },
    spec: {type: 'ClusterIP', selector, ports: meshContext.apex.ports.map(servicePort)},
  }
}

/** A Service of the user's that is a slot: with a label, by which its endpoints are followed, and nothing else of ours. */
export function claimedService({meshContext}: Observation, slot: SlotName, claimed = true): KubeObject {
  const {name, namespace} = meshContext.rollout
  const own = claimed ? {labels: {[labels.rollout]: name}} : {}
  return {apiVersion: 'v1', kind: 'Service', metadata: {name: meshContext.slots[slot], namespace, ...own}}
}

export function servicePort(port: Loose): Loose {
  const {name, protocol = 'TCP', appProtocol, targetPort} = port
  return {
    ...(name ? {name} : {}),
    port: port.port,
    protocol,
    targetPort: targetPort ?? port.port,
    ...(appProtocol ? {appProtocol} : {}),
  }
}

/** The user's own part of the apex Service's selector. */
function baseSelector(observation: Observation): Record<string, string> {
  const {apex, target, spec} = observation
  const kept = apex?.metadata.annotations?.[annotations.selector]
  if (kept !== undefined) {
    const parsed = parseLabels(kept)
    if (parsed) return parsed
  }
  const own: Record<string, string> = target?.spec?.selector?.matchLabels ?? spec.template?.metadata.labels ?? {}
  const live: Record<string, string> = apex ? (apex.spec?.selector ?? {}) : own
  const {[labels.rollout]: _rollout, [labels.slot]: _slot, ...others} = withoutHashes(live)
  return others
}

function parseLabels(text: string): Record<string, string> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const valid =
      value !== null && typeof value === 'object' && Object.values(value).every(item => typeof item === 'string')
    return valid ? (value as Record<string, string>) : undefined
  } catch {
    return undefined
  }
}

/**
 * The apex Service's selector, pointed at one slot, or at both; with no slot, as the user had it.
 * @param more labels that its pods have to bear besides
 */
export function apexService(
  observation: Observation,
  slots: readonly SlotName[],
  more: Readonly<Record<string, string>> = {},
): KubeObject {
  const {rollout, meshContext, apex, spec} = observation
  const {name, namespace} = meshContext.rollout
  const [first, second] = slots
  const own = first && (second ? {[labels.rollout]: name} : slotLabels(name, first))
  const selector = {...baseSelector(observation), ...own, ...more}
  const metadata: KubeObject['metadata'] = {name: meshContext.apex.name, namespace}
  const made = apex === undefined || apex.metadata.annotations?.[annotations.owner] === rollout.metadata.uid
  if (made) {
    metadata.labels = {[labels.rollout]: name}
    metadata.annotations = ownerAnnotations(rollout)
  }
  const ports = made && spec.service.ports ? {ports: spec.service.ports.map(servicePort)} : {}
  return {apiVersion: 'v1', kind: 'Service', metadata, spec: {selector, ...ports}}
}

/** An immutable copy of a config input, under a name that its contents determine. */
export function configCopy(observation: Observation, input: ConfigInput): KubeObject {
  const {rollout, meshContext} = observation
  const {name, namespace} = meshContext.rollout
  const {data, binaryData, type}: Partial<KubeObject> = input.object ?? {}
  return {
    apiVersion: 'v1',
    kind: input.kind,
    metadata: {
      name: copyName(input),
      namespace,
      labels: {[labels.rollout]: name},
      annotations: ownerAnnotations(rollout),
    },
    immutable: true,
    ...(input.kind === 'Secret' && type ? {type} : {}),
    ...(data ? {data} : {}),
    ...(binaryData ? {binaryData} : {}),
  }
}

function snapshotName(rollout: string, revision: string): string {
  return `${rollout}-${revision}`
}

/** The ControllerRevision that keeps what a release analyses. It carries no label of the user's. */
export function snapshotObject(observation: Observation, source: Source, revision: string, number: number): KubeObject {
  const {rollout, meshContext} = observation
  const {name, namespace} = meshContext.rollout
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: snapshotName(name, revision),
      namespace,
      labels: {[labels.rollout]: name},
      annotations: {...ownerAnnotations(rollout), [annotations.revision]: revision},
    },
    revision: number,
    data: {template: frozenTemplate(source), workload: source.workload, copies: source.copies},
  }
}
