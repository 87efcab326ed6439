import {mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterAll, describe, expect, test} from 'vitest'
import type {Cluster} from '../ports.ts'
import {httpConfigFile, SecretHttpConfigs} from './http-config.ts'
import {ManualClock} from './test-support.ts'

const folder = mkdtempSync(join(tmpdir(), 'fairlead-http-config-'))
afterAll(() => rmSync(folder, {recursive: true}))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

describe('a file', () => {
  test('names others beside it, and is read again when they change', async () => {
    const clock = new ManualClock()
    const password = file('password', 'one\n')
    const read = httpConfigFile(file('basic.yaml', 'basic_auth: {username: me, password_file: password}'), clock)
    const first = read()
    expect(first.basic_auth).toEqual({username: 'me', password: 'one'})
    writeFileSync(password, 'two\n')
    expect(read()).toBe(first)
    await clock.advance(5000)
    expect(read().basic_auth?.password).toBe('two')
  })

  test('that is as it was gives the same object, so that connections last', async () => {
    const clock = new ManualClock()
    const read = httpConfigFile(file('bearer.yaml', 'authorization: {credentials: x}'), clock)
    const first = read()
    await clock.advance(60_000)
    expect(read()).toBe(first)
  })

  test('that became unusable is no longer used, until it is right again', async () => {
    const clock = new ManualClock()
    const read = httpConfigFile(file('token.yaml', 'authorization: {credentials: old}'), clock)
    expect(read().authorization?.credentials).toBe('old')
    file('token.yaml', 'authorization: {credentials:')
    await clock.advance(5000)
    for (let look = 0; look < 2; look++) expect(read).toThrow(/token\.yaml is not YAML/)
    file('token.yaml', 'authorization: {credentials: new}')
    expect(read().authorization?.credentials).toBe('new')
  })

  test('the parser warns of nothing: its warnings quote the document', async () => {
    const warnings: string[] = []
    const note = (warning: Error) => warnings.push(warning.message)
    process.on('warning', note)
    const read = httpConfigFile(file('tag.yaml', 'basic_auth: {username: me, password: !secret x}'), new ManualClock())
    expect(read().basic_auth?.password).toBe('x')
    await new Promise(resolve => setImmediate(resolve))
    process.off('warning', note)
    expect(warnings).toEqual([])
  })

  test.each([
    ['missing.yaml', undefined, /missing\.yaml can't be read: ENOENT/],
    ['broken.yaml', 'basic_auth: {password: secret', /broken\.yaml is not YAML/],
    ['wrong.yaml', 'basic_auth: {username: me}', /wrong\.yaml: basic_auth\.password: is missing/],
    [
      'lines.yaml',
      'authorization: {credentials_file: two-lines}',
      /lines\.yaml: authorization\.credentials: must be one line of printable ASCII/,
    ],
    ['lost.yaml', 'basic_auth: {username: me, password_file: nowhere}', /nowhere can't be read: ENOENT/],
  ])('%s says what is wrong, and no value', (name, content, message) => {
    file('two-lines', 'secret\nsecret')
    const path = content === undefined ? join(folder, name) : file(name, content)
    const read = httpConfigFile(path, new ManualClock())
    expect(read).toThrow(message)
    expect(read).not.toThrow(/secret/)
  })
})

describe('a Secret', () => {
  const document = (text: string) => Buffer.from(text).toString('base64')
  const clusterWith = (data: Record<string, string>) => {
    let reads = 0
    const get = async () => {
      reads++
      return {apiVersion: 'v1', kind: 'Secret', metadata: {name: 's'}, data}
    }
    return {cluster: {get} as unknown as Cluster, reads: () => reads}
  }

  test('is read once a minute, and the same contents are the same object', async () => {
    const {cluster, reads} = clusterWith({config: document('authorization: {credentials: x}')})
    const clock = new ManualClock()
    const configs = new SecretHttpConfigs(cluster, clock)
    const first = await configs.read('shop', {name: 's', key: 'config'})
    expect(first.authorization).toEqual({type: 'Bearer', credentials: 'x'})
    await configs.read('shop', {name: 's', key: 'config'})
    expect(reads()).toBe(1)
    await clock.advance(60_000)
    expect(await configs.read('shop', {name: 's', key: 'config'})).toBe(first)
    expect(reads()).toBe(2)
  })

  test.each([
    ['other', /Secret shop\/s has no key other: add it, or correct spec\.configRef/],
    ['files', /Secret shop\/s, key files: basic_auth\.password_file: a Secret of a namespace can't name files/],
    ['broken', /Secret shop\/s, key broken is not YAML/],
  ])('key %s: says what is wrong', async (key, message) => {
    const {cluster} = clusterWith({
      files: document('basic_auth: {username: me, password_file: /etc/passwd}'),
      broken: document('{'),
    })
    await expect(new SecretHttpConfigs(cluster, new ManualClock()).read('shop', {name: 's', key})).rejects.toThrow(
      message,
    )
  })
})
