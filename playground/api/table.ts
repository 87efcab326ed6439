// The other shapes in which objects are shown: tables, and metadata alone.
import type {KubeObject} from '../../crds/meta.ts'
import {ageColumn, customCell, nameColumn} from './columns.ts'
import {findAll, parseJsonPath} from './json-path.ts'
import type {PrinterColumn, ResourceVersion} from './types.ts'

/** How a client wants its objects, by its Accept header. */
type Presentation = 'object' | 'table' | 'metadata'

/** Reads `as=` from the first acceptable media type. */
export function presentationOf(accept: string | undefined): Presentation {
  for (const media of (accept ?? '').split(',')) {
    const parameters = media.split(';').map(part => part.trim())
    if (parameters[0] !== 'application/json' && parameters[0] !== '*/*' && parameters[0] !== '') continue
    const shape = parameters.find(part => part.startsWith('as='))?.slice(3)
    if (shape === undefined) return 'object'
    if (!parameters.includes('g=meta.k8s.io') || !parameters.includes('v=v1')) continue
    if (shape === 'Table') return 'table'
    if (shape === 'PartialObjectMetadata' || shape === 'PartialObjectMetadataList') return 'metadata'
  }
  return 'object'
}

/** The metadata of an object alone. */
export function partialMetadata(object: KubeObject): KubeObject {
  return {apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata: object.metadata}
}

/** The columns of a version: declared ones after the name; age alone where none are declared. */
function columnsOf(version: ResourceVersion): PrinterColumn[] {
  return version.columns.length === 0 ? [nameColumn, ageColumn] : version.columns
}

/** Which part of each object a table carries along. */
export type IncludeObject = 'Metadata' | 'Object' | 'None'

/** A metav1.Table of objects. */
export function table(
  objects: readonly KubeObject[],
  version: ResourceVersion,
  options: {metadata: object; now: number; includeObject: IncludeObject; headers: boolean},
): object {
  const columns = columnsOf(version)
  const cells = columns.map(column => cellOf(column, options.now))
  const rows = objects.map(object => ({
    cells: cells.map(cell => cell(object)),
    ...(options.includeObject === 'None'
      ? {}
      : {object: options.includeObject === 'Object' ? object : partialMetadata(object)}),
  }))
  const columnDefinitions = columns.map(column => ({
    name: column.name,
    type: column.type,
    format: column.format ?? '',
    description: column.description ?? '',
    priority: column.priority ?? 0,
  }))
  const head = options.headers ? {columnDefinitions} : {columnDefinitions: []}
  return {kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: options.metadata, ...head, rows}
}

function cellOf(column: PrinterColumn, now: number): (object: KubeObject) => unknown {
  const {cell} = column
  if (cell !== undefined) return object => cell(object, now)
  const steps = parseJsonPath(column.jsonPath ?? '')
  return object => customCell(findAll(object, steps), column.type, now)
}
