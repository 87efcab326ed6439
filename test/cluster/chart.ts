// Helm as a user runs it, on the chart of this checkout.
import {execFile} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import {parseAllDocuments} from 'yaml'
import type {KubeObject} from '../../crds/meta.ts'
import {part} from './parts.ts'

/** Folder of the chart. */
export const chart = fileURLToPath(new URL('../../charts/fairlead', import.meta.url))
/** Release and namespace of the documentation. */
export const release = 'fairlead'
export const releaseNamespace = 'fairlead-system'
/** What every installation has to say. */
const requiredValues = {
  prometheus: {address: 'http://prometheus.monitoring:9090'},
  image: {repository: 'registry.example.com/fairlead'},
}

/** Without a cluster Helm assumes a version of its own. */
export const kubernetesVersion = ['--kube-version', '1.34.2']
const maximumOutputBytes = 16 * 1024 * 1024

/** Runs helm and returns what it printed. @throws Error with its error output when it fails */
export async function helm(...args: string[]): Promise<string> {
  try {
    return (await promisify(execFile)(part('helm'), args, {maxBuffer: maximumOutputBytes})).stdout
  } catch (error) {
    const {stderr} = error as {stderr?: string}
    throw new Error(`helm ${args[0]}: ${stderr?.trim() || String(error)}`)
  }
}

/** Values as the arguments of helm. */
export function valuesFlags(values: object): string[] {
  return Object.entries({...requiredValues, ...values}).flatMap(([name, value]) => [
    '--set-json',
    `${name}=${JSON.stringify(value)}`,
  ])
}

/** `helm template` of the chart, with flags of one's own; a later --kube-version wins. */
export function templateChart(...flags: string[]): Promise<string> {
  return helm('template', release, chart, '--namespace', releaseNamespace, ...kubernetesVersion, ...flags)
}

/** `helm lint --strict` of the chart. */
export function lintChart(values: object): Promise<string> {
  return helm('lint', '--strict', chart, ...kubernetesVersion, ...valuesFlags(values))
}

/** The chart's objects for some values, beside those that every installation has to say. */
export async function renderChart(values: object = {}): Promise<KubeObject[]> {
  const text = await templateChart(...valuesFlags(values))
  return parseAllDocuments(text)
    .map(document => document.toJS() as KubeObject | null)
    .filter(object => object !== null)
}

/** Arguments that belong to the pod: where it listens, and where its volumes are. */
const podArguments = /^(controller$|--(prometheus|namespace|host|port|git-cache)=)/

/** What the chart's Deployment says to the controller, without what belongs to its pod. */
export function controllerFlags(objects: readonly KubeObject[]): string[] {
  const [container] = objectOf(objects, 'Deployment').spec.template.spec.containers as {args: string[]}[]
  return (container?.args ?? []).filter(argument => !podArguments.test(argument))
}

/** The one object of a kind, by a part of its name where there are several. @throws Error when there is none */
export function objectOf(objects: readonly KubeObject[], kind: string, name = ''): KubeObject {
  const found = objects.find(object => object.kind === kind && object.metadata.name.includes(name))
  if (!found) throw new Error(`the chart renders no ${kind} ${name}`)
  return found
}
