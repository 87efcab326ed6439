import {readdirSync, readFileSync} from 'node:fs'
import {join} from 'node:path'
import {describe, expect, test} from 'vitest'
import {parse} from 'yaml'
import type {StructuralSchema} from '../../crds/structural.ts'
import {generatedFiles} from '../../scripts/generated-files.ts'
import {root} from '../../scripts/steps.ts'

const files = generatedFiles()

describe('generated files', () => {
  test.each(Object.keys(files))('%s is current', path => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(files[path])
  })

  test('none is left over', () => {
    const found = readdirSync(join(root, 'crds/generated')).map(name => `crds/generated/${name}`)
    expect(found.sort()).toEqual(
      Object.keys(files)
        .filter(path => path.startsWith('crds/'))
        .sort(),
    )
    expect(found).toHaveLength(4)
  })
})

interface Definition {
  versions: {
    schema: {openAPIV3Schema: StructuralSchema}
    subresources?: object
    additionalPrinterColumns: {name: string; jsonPath: string; priority?: number}[]
  }[]
}

function version(plural: string): Definition['versions'][number] {
  const [found] = (parse(files[`crds/generated/${plural}.yaml`] ?? '') as {spec: Definition}).spec.versions
  if (found === undefined) throw new Error(`${plural} has no version`)
  return found
}

/** Whether a path such as `.status.replicas` leads to a field of the schema; metadata is not declared there. */
function declared(schema: StructuralSchema, path: string): boolean {
  const fields = path.replace(/\[.*$/, '').split('.').slice(1)
  if (fields[0] === 'metadata') return true
  let at: StructuralSchema | undefined = schema
  for (const field of fields) at = at?.properties?.[field]
  return at !== undefined
}

describe('the definitions agree with their schemas', () => {
  test.each(['rollouts', 'gitsyncs', 'metrictemplates', 'alertchannels'])('columns of %s', plural => {
    const {schema, additionalPrinterColumns} = version(plural)
    for (const column of additionalPrinterColumns)
      expect([column.name, declared(schema.openAPIV3Schema, column.jsonPath)]).toEqual([column.name, true])
    expect(declared(schema.openAPIV3Schema, '.spec.noSuchField')).toBe(false)
  })

  test('a Rollout scales, and cannot change its target', () => {
    const {schema, subresources} = version('rollouts')
    const scale = {
      specReplicasPath: '.spec.replicas',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    }
    expect(subresources).toEqual({status: {}, scale})
    for (const path of Object.values(scale)) expect(declared(schema.openAPIV3Schema, path)).toBe(true)
    const rules = schema.openAPIV3Schema.properties?.spec?.['x-kubernetes-validations'] ?? []
    expect(rules.filter(({rule}) => rule.includes('self.targetRef == oldSelf.targetRef'))).toHaveLength(1)
  })
})
