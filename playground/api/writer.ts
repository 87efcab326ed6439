// The one way in which objects change: admission of a candidate, in the order in which an API server does it.
import type {KubeObject, ManagedFieldsEntry} from '../../crds/meta.ts'
import {compileRule, type Rule} from './cel.ts'
import {establishedStatus, readDefinition} from './custom-resources.ts'
import {type Allocator, applyBuiltInDefaults, applyDefaults} from './defaults.ts'
import {ApiError, alreadyExists, badRequest, conflict, invalid, notFound, type StatusCause} from './errors.ts'
import {afterUpdate, type FieldManager} from './managed-fields.ts'
import {checkBuiltIn, checkImmutable, checkMetadata, unreadableBytes} from './metadata.ts'
import {clone, deepEqual, getPath, splitPath, timestamp, without} from './objects.ts'
import {apiVersionOf} from './resources.ts'
import type {Schema} from './schema.ts'
import {type Storage, storageKey} from './storage.ts'
import type {ResourceDefinition, ResourceVersion, WriteOptions} from './types.ts'
import {prune, type RuleLookup, Validator, withoutEmpty, wrongTypes} from './validation.ts'

/** Which resource is written, through which version and subresource. */
export interface Target {
  definition: ResourceDefinition
  version: ResourceVersion
  /** Empty for the main resource. */
  subresource: string
}

/** Managed fields that a server-side apply has worked out; otherwise the writer compares. */
interface Ownership {
  managedFields: ManagedFieldsEntry[]
}

/** Kinds that a PUT makes where there is no such object. */
const createdByUpdate: ReadonlySet<string> = new Set(['services', 'endpoints', 'events', 'leases.coordination.k8s.io'])
/** Built-in kinds whose updates have to say which version they are of, as those of custom kinds do. */
const versionedUpdates: ReadonlySet<string> = new Set(['leases.coordination.k8s.io'])
const definitions = 'customresourcedefinitions.apiextensions.k8s.io'
const randomCharacters = 'bcdfghjklmnpqrstvwxz2456789'
const randomSuffixLength = 5

/** Admits and stores candidates. */
export class Writer {
  private readonly storage: Storage
  private readonly now: () => number
  private readonly compiledRules = new WeakMap<object, Rule>()
  private readonly allocator: Allocator
  private allocatedAddresses = 0
  private allocatedPorts = 0
  private nameCounter = 0

  constructor(storage: Storage, now: () => number) {
    this.storage = storage
    this.now = now
    this.allocator = {
      clusterAddress: () => {
        const offset = 10 + this.allocatedAddresses++
        return `10.${96 + ((offset >> 16) & 15)}.${(offset >> 8) & 255}.${offset & 255}`
      },
      nodePort: () => 30000 + (this.allocatedPorts++ % 2768),
    }
  }

  private readonly rules: RuleLookup = (rule, schema) => {
    let compiled = this.compiledRules.get(rule)
    if (compiled === undefined) this.compiledRules.set(rule, (compiled = compileRule(rule.rule, schema)))
    return compiled
  }

  /** The object as a version of its resource shows it; undefined when there is none. */
  load(target: Target, namespace: string | undefined, name: string): KubeObject | undefined {
    const {definition} = target
    const stored = this.storage.read(definition.alias?.id ?? definition.id, storageKey(namespace, name))
    return stored === undefined ? undefined : present(stored, target)
  }

  manager(target: Target, options: WriteOptions, operation: 'Apply' | 'Update'): FieldManager {
    return {
      name: options.fieldManager ?? 'unknown',
      operation,
      subresource: target.subresource,
      apiVersion: apiVersionOf(target.definition.group, target.version.name),
      nowTimestamp: timestamp(this.now()),
    }
  }

  create(target: Target, object: KubeObject, options: WriteOptions, ownership?: Ownership): KubeObject {
    const {definition, version} = target
    const candidate = this.shaped(target, object, options)
    const {metadata} = candidate
    if (metadata.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created')
    if (!metadata.name && 'generateName' in metadata)
      metadata.name = this.generatedName(String(metadata['generateName']))
    this.requireNamespace(definition, metadata.namespace)
    this.requireLivingDefinition(definition)
    for (const field of ['deletionTimestamp', 'deletionGracePeriodSeconds', 'selfLink'])
      Reflect.deleteProperty(metadata, field)
    if (version.hasStatus) delete candidate['status']
    metadata.uid = this.storage.nextUid()
    metadata.creationTimestamp = timestamp(this.now())
    if (definition.hasGeneration) metadata.generation = 1
    else delete metadata.generation
    this.admit(target, candidate, undefined)
    if (this.load(target, metadata.namespace, metadata.name) !== undefined)
      throw alreadyExists(definition, metadata.name)
    initialStatus(definition.id, candidate)
    metadata.managedFields = []
    metadata.managedFields =
      ownership?.managedFields ??
      afterUpdate(undefined, candidate, this.manager(target, options, 'Update'), version.schema)
    if (definition.id === definitions) this.checkDefinition(candidate)
    return options.dryRun === true ? candidate : this.save(target, candidate)
  }

  update(target: Target, object: KubeObject, options: WriteOptions, ownership?: Ownership): KubeObject {
    const {definition, version} = target
    const candidate = this.shaped(target, object, options)
    const {metadata} = candidate
    const old = this.load(target, metadata.namespace, metadata.name)
    if (old === undefined) {
      if (createdByUpdate.has(definition.id) && target.subresource === '') {
        const {resourceVersion: _, ...fresh} = object.metadata
        return this.create(target, {...object, metadata: fresh}, options)
      }
      throw notFound(definition, metadata.name)
    }
    if (!metadata.resourceVersion && (definition.custom || versionedUpdates.has(definition.id))) {
      const field = 'metadata.resourceVersion'
      const message = 'Invalid value: 0: must be specified for an update'
      throw invalid(definition.group, definition.plural, metadata.name, [{reason: 'FieldValueInvalid', field, message}])
    }
    checkVersion(definition, metadata, old)
    this.mergeStored(target, candidate, old)
    this.admit(target, candidate, old)
    if (definition.id === definitions) this.checkDefinition(candidate)
    if (definition.hasGeneration && target.subresource !== 'status' && !sameGeneration(definition, candidate, old)) {
      candidate.metadata.generation = (old.metadata.generation ?? 0) + 1
    }
    // A client may edit managed fields, as kubectl does when it migrates to server-side apply; `[{}]` clears them.
    const given = object.metadata.managedFields
    const managedFields = given === undefined ? old.metadata.managedFields : isReset(given) ? [] : given
    const base = {...old, metadata: {...old.metadata, managedFields: managedFields ?? []}}
    candidate.metadata.managedFields =
      ownership?.managedFields ?? afterUpdate(base, candidate, this.manager(target, options, 'Update'), version.schema)
    candidate.metadata.resourceVersion = old.metadata.resourceVersion as string
    if (candidate.metadata.managedFields.length === 0) delete candidate.metadata.managedFields
    if (deepEqual(candidate, old)) return old
    return options.dryRun === true ? candidate : this.save(target, candidate)
  }

  /** Stores an object that needs no admission any more, or removes it where its deletion is complete. */
  save(target: Target, object: KubeObject): KubeObject {
    const {definition} = target
    const {alias} = definition
    const conversion = alias ?? target.version.conversion
    const converted = conversion === undefined ? {...object} : conversion.toStorage(object)
    const storageVersion = alias === undefined ? definition.versions[0] : undefined
    if (storageVersion !== undefined) converted.apiVersion = apiVersionOf(definition.group, storageVersion.name)
    const resource = alias?.id ?? definition.id
    const {deletionTimestamp, finalizers = [], namespace, name} = object.metadata
    const isNamespace = definition.id === 'namespaces'
    if (deletionTimestamp !== undefined && finalizers.length === 0 && !isNamespace && !isGraceful(object)) {
      this.storage.remove(resource, storageKey(namespace, name))
      return object
    }
    return present(this.storage.put(resource, clone(converted)), target)
  }

  /** A stored object as a version of its resource shows it. */
  present(target: Target, stored: KubeObject): KubeObject {
    return present(stored, target)
  }

  private checkDefinition(crd: KubeObject): void {
    readDefinition(crd)
    crd['status'] = establishedStatus(crd, timestamp(this.now()))
  }

  private requireNamespace(definition: ResourceDefinition, namespace: string | undefined): void {
    if (!definition.namespaced) return
    const owner = this.storage.read('namespaces', storageKey(undefined, namespace ?? ''))
    if (owner === undefined) throw notFound({group: '', plural: 'namespaces'}, namespace ?? '')
    if (owner.metadata.deletionTimestamp === undefined) return
    throw new ApiError(
      403,
      'Forbidden',
      `unable to create new content in namespace ${namespace} because it is being terminated`,
      {
        kind: definition.plural,
        causes: [
          {
            reason: 'NamespaceTerminating',
            message: `namespace ${namespace} is being terminated`,
            field: 'metadata.namespace',
          },
        ],
      },
    )
  }

  private requireLivingDefinition(definition: ResourceDefinition): void {
    if (!definition.custom) return
    const crd = this.storage.read(definitions, storageKey(undefined, definition.id))
    if (crd?.metadata.deletionTimestamp === undefined) return
    const message = 'create not allowed while custom resource definition is terminating'
    throw new ApiError(405, 'MethodNotAllowed', message)
  }

  private generatedName(prefix: string): string {
    let state = Math.imul(++this.nameCounter, 0x9e3779b1) >>> 0
    let suffix = ''
    for (let index = 0; index < randomSuffixLength; index++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      suffix += randomCharacters[(state >>> 8) % randomCharacters.length]
    }
    return prefix + suffix
  }

  // A private copy with known fields only; undeclared ones are refused, reported or dropped.
  private shaped(target: Target, object: KubeObject, options: WriteOptions): KubeObject {
    const {definition, version} = target
    const apiVersion = apiVersionOf(definition.group, version.name)
    if (object.apiVersion !== apiVersion || object.kind !== definition.kind) {
      throw badRequest(
        `the API version in the data (${object.apiVersion}/${object.kind}) does not match the expected API version (${apiVersion}/${definition.kind})`,
      )
    }
    if (!definition.custom) {
      const [unreadable] = [...wrongTypes(object, version.schema), ...unreadableBytes(object)]
      if (unreadable !== undefined) {
        throw badRequest(
          `${definition.kind} in version "${version.name}" cannot be handled as a ${definition.kind}: ${unreadable}`,
        )
      }
    }
    const unknown: string[] = []
    const known: KubeObject = prune(clone(object), version.schema, '', unknown)
    const candidate: KubeObject = definition.custom ? known : withoutEmpty(known, version.schema)
    const messages = unknown.map(field => `unknown field "${field}"`)
    // Built-in kinds are read in the order of the document, custom ones reported in the order of names.
    if (definition.custom) messages.sort()
    if (messages.length > 0 && options.fieldValidation === 'Strict') {
      throw badRequest(
        `${definition.kind} in version "${version.name}" cannot be handled as a ${definition.kind}: strict decoding error: ${messages.join(', ')}`,
      )
    }
    if (options.fieldValidation !== 'Ignore') options.warnings?.push(...messages)
    candidate.metadata ??= {name: ''}
    if (!definition.namespaced) delete candidate.metadata.namespace
    return candidate
  }

  // What a write can't change, taken from the stored object.
  private mergeStored(target: Target, candidate: KubeObject, old: KubeObject): void {
    const {definition, version, subresource} = target
    const kept = [
      'uid',
      'creationTimestamp',
      'deletionTimestamp',
      'deletionGracePeriodSeconds',
      'generation',
      'generateName',
    ] as const
    if (subresource === 'status') {
      const {status, metadata} = candidate
      for (const field of Object.keys(candidate)) delete candidate[field]
      Object.assign(candidate, clone(old))
      if (status === undefined) delete candidate['status']
      else candidate['status'] = status
      if (!definition.custom) candidate.metadata = metadata
    } else if (version.hasStatus) {
      delete candidate['status']
      if (old['status'] !== undefined) candidate['status'] = clone(old['status'])
    }
    const into = candidate.metadata as unknown as Record<string, unknown>
    const stored = old.metadata as unknown as Record<string, unknown>
    for (const field of kept) {
      if (stored[field] === undefined) delete into[field]
      else into[field] = stored[field]
    }
  }

  private admit(target: Target, candidate: KubeObject, old: KubeObject | undefined): void {
    const {definition, version} = target
    applyDefaults(candidate, version.schema)
    if (!definition.custom && target.subresource === '') {
      applyBuiltInDefaults(definition.id, candidate, old, this.allocator)
    }
    dropEmptyMetadata(candidate)
    const causes: StatusCause[] = checkMetadata(definition, candidate, old)
    if (!definition.custom) causes.push(...checkBuiltIn(definition.id, candidate, old))
    if (old !== undefined) causes.push(...checkImmutable(definition.id, candidate, old))
    const validator = new Validator(this.rules)
    validator.validate(this.validated(target, candidate), version.schema as Schema, '', old)
    causes.push(...validator.findings(version.schema))
    if (definition.custom) causes.push(...checkScale(version, candidate))
    if (causes.length > 0) throw invalid(definition.group, definition.kind, candidate.metadata.name, causes)
  }

  // Managed fields are the server's own; validating them again would only cost time.
  private validated(target: Target, candidate: KubeObject): KubeObject {
    const metadata = without(candidate.metadata, 'managedFields')
    return target.subresource === 'status' && !target.definition.custom
      ? ({status: candidate['status'], ...onlyRequired(target, candidate)} as unknown as KubeObject)
      : {...candidate, metadata}
  }
}

/** What the scale subresource of a custom kind asks of the count, whatever the schema says. */
function checkScale({scale}: ResourceVersion, candidate: KubeObject): StatusCause[] {
  const path = scale?.specReplicasPath
  const replicas: unknown = path === undefined ? undefined : getPath(candidate, splitPath(path))
  if (path === undefined || typeof replicas !== 'number' || replicas >= 0) return []
  const message = `Invalid value: ${replicas}: should be a non-negative integer`
  return [{reason: 'FieldValueInvalid', field: path, message}]
}

function onlyRequired(target: Target, candidate: KubeObject): object {
  return Object.fromEntries((target.version.schema.required ?? []).map(field => [field, candidate[field]]))
}

function present(stored: KubeObject, target: Target): KubeObject {
  const {definition, version} = target
  if (definition.alias !== undefined) return definition.alias.fromStorage(stored)
  const apiVersion = apiVersionOf(definition.group, version.name)
  if (version.conversion !== undefined) return version.conversion.fromStorage(stored)
  return stored.apiVersion === apiVersion ? stored : {...stored, apiVersion}
}

function isGraceful(object: KubeObject): boolean {
  const metadata = object.metadata as {deletionGracePeriodSeconds?: number}
  return object.kind === 'Pod' && (metadata.deletionGracePeriodSeconds ?? 0) > 0
}

function isReset(entries: ManagedFieldsEntry[]): boolean {
  return entries.every(entry => Object.keys(entry).length === 0)
}

function checkVersion(definition: ResourceDefinition, metadata: KubeObject['metadata'], old: KubeObject): void {
  if (metadata.uid !== undefined && metadata.uid !== '' && metadata.uid !== old.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${old.metadata.uid}`
    throw conflict(definition, metadata.name, why)
  }
  if (metadata.resourceVersion && metadata.resourceVersion !== old.metadata.resourceVersion) {
    throw conflict(definition, metadata.name)
  }
}

/** Of a Deployment the annotations count too: its controller hands them on. */
function sameGeneration({id}: ResourceDefinition, candidate: KubeObject, old: KubeObject): boolean {
  const annotated = id === 'deployments.apps' && !deepEqual(candidate.metadata.annotations, old.metadata.annotations)
  return !annotated && sameSpec(candidate, old)
}

function sameSpec(left: KubeObject, right: KubeObject): boolean {
  return deepEqual(without(left, 'metadata', 'status'), without(right, 'metadata', 'status'))
}

// Empty maps and lists of metadata are not stored, so that clearing them and never having them are the same.
function dropEmptyMetadata(object: KubeObject): void {
  const metadata = object.metadata as unknown as Record<string, unknown>
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences']) {
    const value = metadata[field]
    if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) delete metadata[field]
  }
}

function initialStatus(resource: string, object: KubeObject): void {
  if (resource === 'namespaces') object['status'] = {phase: 'Active'}
  if (resource === 'services') object['status'] = {loadBalancer: {}}
  if (resource === 'pods') object['status'] = {phase: 'Pending', qosClass: 'BestEffort'}
  if (resource === 'deployments.apps' || resource === 'horizontalpodautoscalers.autoscaling') object['status'] ??= {}
}
