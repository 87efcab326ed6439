import {chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, beforeEach, describe, expect, test} from 'vitest'
import {stringify} from 'yaml'
import {loadConnection} from './kube-config.ts'

let folder: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fairlead-kubeconfig-'))
})

afterEach(() => rmSync(folder, {recursive: true}))

function write(name: string, content: string): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

function kubeconfig(user: object, cluster: object = {}): string {
  return write(
    'config',
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'one',
      contexts: [
        {name: 'one', context: {cluster: 'c', user: 'u', namespace: 'shop'}},
        {name: 'nobody', context: {cluster: 'c', user: ''}},
        {name: 'lost', context: {cluster: 'gone', user: 'u'}},
        {name: 'stranger', context: {cluster: 'c', user: 'gone'}},
      ],
      clusters: [{name: 'c', cluster: {server: 'https://10.0.0.1:6443/', ...cluster}}],
      users: [{name: 'u', user}],
    }),
  )
}

describe('a connection', () => {
  test('has the address, namespace and token of its context', async () => {
    const connection = loadConnection({kubeconfig: kubeconfig({token: 'abc'})})
    expect(connection).toMatchObject({baseUrl: 'https://10.0.0.1:6443', namespace: 'shop'})
    expect(await connection.headers()).toEqual({authorization: 'Bearer abc'})
    expect(await connection.tls()).toEqual({})
  })

  test('of a context without a user or namespace sends no credentials', async () => {
    const connection = loadConnection({kubeconfig: kubeconfig({token: 'abc'}), context: 'nobody'})
    expect(connection.namespace).toBe('default')
    expect(await connection.headers()).toEqual({})
  })

  test('takes client certificates, CA, server name and verification over', async () => {
    const encode = (text: string) => Buffer.from(text).toString('base64')
    write('ca.pem', 'the CA')
    const user = {'client-certificate-data': encode('the certificate'), 'client-key-data': encode('the key')}
    const cluster = {'certificate-authority': 'ca.pem', 'tls-server-name': 'kube', 'insecure-skip-tls-verify': true}
    const connection = loadConnection({kubeconfig: kubeconfig(user, cluster)})
    expect(await connection.tls()).toEqual({
      ca: 'the CA',
      cert: 'the certificate',
      key: 'the key',
      servername: 'kube',
      rejectUnauthorized: false,
    })
  })

  test('may be plain HTTP, with a user name and password', async () => {
    const user = {username: 'me', password: 'p:w'}
    const connection = loadConnection({kubeconfig: kubeconfig(user, {server: 'http://127.0.0.1:8001'})})
    expect(connection.baseUrl).toBe('http://127.0.0.1:8001')
    expect(await connection.headers()).toEqual({authorization: `Basic ${Buffer.from('me:p:w').toString('base64')}`})
  })

  test('keeps an HTTP proxy and refuses others', () => {
    const proxied = loadConnection({kubeconfig: kubeconfig({}, {'proxy-url': 'http://proxy:3128'})})
    expect(proxied.proxyUrl).toBe('http://proxy:3128')
    const socks = kubeconfig({}, {'proxy-url': 'socks5://proxy:1080'})
    expect(() => loadConnection({kubeconfig: socks})).toThrow('only http and https proxies are supported')
  })
})

describe('credentials', () => {
  test('come from a token file beside the kubeconfig, again after invalidate', async () => {
    write('token', 'first\n')
    const connection = loadConnection({kubeconfig: kubeconfig({tokenFile: 'token'})})
    expect(await connection.headers()).toEqual({authorization: 'Bearer first'})
    write('token', 'second\n')
    expect(await connection.headers()).toEqual({authorization: 'Bearer first'})
    connection.invalidate()
    expect(await connection.headers()).toEqual({authorization: 'Bearer second'})
  })

  test('come from an exec plugin, whose failure is told', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: {token: 'from-exec'},
    }
    const plugin = write(
      'plugin',
      `#!/bin/sh\nif [ "$MODE" = fail ]; then echo broken >&2; exit 1; fi\necho '${JSON.stringify(credential)}'\n`,
    )
    chmodSync(plugin, 0o755)
    const exec = {apiVersion: 'client.authentication.k8s.io/v1', command: plugin}
    const working = loadConnection({kubeconfig: kubeconfig({exec})})
    expect(await working.headers()).toEqual({authorization: 'Bearer from-exec'})
    const failing = loadConnection({kubeconfig: kubeconfig({exec: {...exec, env: [{name: 'MODE', value: 'fail'}]}})})
    await expect(failing.headers()).rejects.toThrow('credentials of user "u": broken')
  })

  test('do not wait for ever for a plugin that hangs', async () => {
    const exec = {apiVersion: 'client.authentication.k8s.io/v1', command: 'sleep', args: ['2']}
    const connection = loadConnection({kubeconfig: kubeconfig({exec}), credentialsTimeoutMilliseconds: 50})
    await expect(connection.headers()).rejects.toThrow('the credentials did not come within 0.05 s')
  })
})

describe('finding a configuration', () => {
  test('the file named wins over KUBECONFIG, and that over the home directory', () => {
    const named = kubeconfig({token: 'a'})
    const home = join(folder, 'home')
    mkdirSync(join(home, '.kube'), {recursive: true})
    writeFileSync(join(home, '.kube', 'config'), kubeconfigText('home'))
    const variable = write('variable', kubeconfigText('variable'))
    const base = (request: object) => loadConnection({home, ...request}).baseUrl
    expect(base({kubeconfig: named, kubeconfigVariable: variable})).toBe('https://10.0.0.1:6443')
    expect(base({kubeconfigVariable: variable})).toBe('https://variable')
    expect(base({kubeconfigVariable: ''})).toBe('https://home')
  })

  test('several files of KUBECONFIG are merged; the first current context wins', () => {
    const first = write('first', kubeconfigText('first'))
    const second = write('second', kubeconfigText('second'))
    const kubeconfigVariable = `${first}:${second}`
    expect(loadConnection({kubeconfigVariable}).baseUrl).toBe('https://first')
    expect(loadConnection({kubeconfigVariable, context: 'second'}).baseUrl).toBe('https://second')
  })

  test.each([
    ['no configuration at all', () => ({home: folder}), /no cluster is configured: give --kubeconfig/],
    ['a missing file', () => ({kubeconfig: join(folder, 'none')}), /none cannot be read: ENOENT/],
    [
      'an unknown context',
      () => ({kubeconfig: kubeconfig({}), context: 'two'}),
      /context "two" is not in .*known are one, nobody/,
    ],
    [
      'an unknown cluster',
      () => ({kubeconfig: kubeconfig({}), context: 'lost'}),
      /names cluster "gone", which is not in/,
    ],
    [
      'an unknown user',
      () => ({kubeconfig: kubeconfig({}), context: 'stranger'}),
      /names user "gone", which is not in/,
    ],
    [
      'no current context',
      () => ({kubeconfig: write('empty', 'kind: Config\n')}),
      /names no current-context: give --context/,
    ],
    ['an empty file', () => ({kubeconfig: write('empty', '')}), /empty is not valid/],
    [
      'a server that is no URL',
      () => ({kubeconfig: kubeconfig({}, {server: 'nowhere'})}),
      /clusters\["c"\].server must be/,
    ],
  ])('%s is a clear error', (_, request, message) => {
    expect(() => loadConnection(request())).toThrow(message)
  })

  test('invalid YAML is told without quoting the file', () => {
    const file = write('broken', 'users:\n- name: u\n  user: {token: very-secret\n')
    expect(() => loadConnection({kubeconfig: file})).toThrow(/broken is not valid/)
    expect(() => loadConnection({kubeconfig: file})).not.toThrow(/very-secret/)
  })
})

function kubeconfigText(name: string): string {
  return stringify({
    'current-context': name,
    contexts: [{name, context: {cluster: name, user: name}}],
    clusters: [{name, cluster: {server: `https://${name}`}}],
    users: [{name, user: {}}],
  })
}
