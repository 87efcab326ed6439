import {describe, expect, test} from 'vitest'
import {httpConfigProblem} from './http-config.ts'

describe('a configuration of a connection', () => {
  test.each<[string, object]>([
    ['nothing', {}],
    ['basic', {basic_auth: {username: 'me', password: 'x'}}],
    ['bearer', {authorization: {credentials: 'x'}}],
    ['SigV4', {sigv4: {region: 'r', access_key: 'a', secret_key: 's'}}],
    ['certificates', {tls_config: {ca: 'c', cert: 'c', key: 'k', server_name: 'n'}}],
    ['tenant', {http_headers: {'X-Scope-OrgID': {values: ['a']}}}],
  ])('%s', (_, document) => {
    expect(httpConfigProblem(document, 'refused')).toBeUndefined()
  })

  test.each<[string, unknown, string]>([
    ['no document', null, 'document: '],
    ['an unknown field', {basic_auht: {}}, 'document: unknown field basic_auht'],
    ['no password', {basic_auth: {username: 'me'}}, 'basic_auth.password: is missing'],
    [
      'both',
      {basic_auth: {username: 'me', password: 'secret', password_file: 'f'}},
      'basic_auth.password: set either it or basic_auth.password_file',
    ],
    [
      'two methods',
      {basic_auth: {username: 'm', password: 'secret'}, authorization: {credentials: 'secret'}},
      'basic_auth and authorization: set at most one',
    ],
    ['a key alone', {tls_config: {key: 'secret'}}, 'tls_config: cert and key belong together'],
    [
      'two lines in a header',
      {authorization: {credentials: 'secret\nx'}},
      'authorization.credentials: must be one line',
    ],
    ['a colon in a name', {basic_auth: {username: 'a:secret', password: 'x'}}, 'basic_auth.username: must not hold'],
    ['a header that frames', {http_headers: {'Content-Length': {values: ['1']}}}, 'http_headers.Content-Length: is no'],
    ['credentials as a header', {http_headers: {Authorization: {secrets: ['secret']}}}, 'http_headers.Authorization'],
    ['what SigV4 sets', {http_headers: {'X-Amz-Date': {values: ['1']}}}, 'http_headers.X-Amz-Date: is no header'],
    ['no name of a header', {http_headers: {'a b': {values: ['x']}}}, 'http_headers.a b: is no header'],
  ])('%s: the field is named, and no value', (_, document, message) => {
    const problem = httpConfigProblem(document, 'allowed')
    expect(problem).toContain(message)
    expect(problem).not.toContain('secret')
  })

  test.each([
    {basic_auth: {username: 'm', password_file: '/etc/passwd'}},
    {authorization: {credentials_file: '/var/run/secrets/kubernetes.io/serviceaccount/token'}},
    {tls_config: {key_file: 'x', cert: 'y'}},
    {sigv4: {region: 'r', access_key: 'a', secret_key_file: 'x'}},
  ])('a Secret can not name files: %j', document => {
    expect(httpConfigProblem(document, 'refused')).toMatch(/_file: a Secret of a namespace can't name files/)
    expect(httpConfigProblem(document, 'allowed')).toBeUndefined()
  })
})
