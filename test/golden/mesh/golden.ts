// Holds rendered manifests against files beside the tests. UPDATE_GOLDEN=1 writes the files instead: read the difference.
import {existsSync, readFileSync, writeFileSync} from 'node:fs'
import {expect} from 'vitest'
import {parseAllDocuments, stringify} from 'yaml'
import type {KubeObject} from '../../../crds/meta.ts'

/**
 * Compares objects with `<name>.yaml`, one document each.
 * @param name file name without its ending
 */
export function expectGolden(name: string, objects: readonly KubeObject[]): void {
  const file = new URL(`${name}.yaml`, import.meta.url)
  const text = objects.map(object => stringify(object, {lineWidth: 120})).join('---\n')
  // What was written has to say the same when it is read.
  expect(parseAllDocuments(text).map(document => document.toJS())).toEqual(objects)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, text)
  if (!existsSync(file))
    throw new Error(`${name}.yaml does not exist: run the test once with UPDATE_GOLDEN=1, and read it`)
  expect(text).toBe(readFileSync(file, 'utf8'))
}
