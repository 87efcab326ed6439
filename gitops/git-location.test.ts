import {describe, expect, test} from 'vitest'
import {classifyGitFailure} from './git-error.ts'
import {parseLocation, parsePath} from './git-location.ts'

const main = {branch: 'main'}

describe('spec.url', () => {
  test.each([
    ['https://example.com/team/app.git', 'https'],
    ['https://[::1]:8443/x', 'https'],
    ['ssh://git@example.com:2222/x', 'ssh'],
    ['git@example.com:team/app.git', 'ssh'],
  ])('%s is taken', (url, transport) => {
    expect(parseLocation(url, main)).toEqual({url, transport, ref: 'refs/heads/main', refName: 'branch main'})
  })

  test.each([
    'https://ada@example.com/x',
    'https://ada:secret@example.com/x',
    'https://:secret@example.com/x',
    'ssh://git:secret@example.com/x',
    'ssh://-oProxyCommand=x@example.com/x',
    'ssh://-oProxyCommand=x/x',
    '-oProxyCommand=x@example.com:x',
    'git@-oProxyCommand=x:x',
    'git@example.com:-x',
    'http://example.com/x',
    'file:///etc',
    'git://example.com/x',
    'ext::sh -c id',
    'ext::sh',
    '--upload-pack=x',
    '/etc',
    'https://example.com',
    'https://example.com/x?token=y',
    'https://example.com/x#y',
    'https://example.com/a b',
    'https://example.com/a\n',
    'https://',
    '',
  ])('%j is refused, naming the field and not the credential', url => {
    expect(() => parseLocation(url, main)).toThrow(
      expect.objectContaining({reason: 'InvalidUrl', message: expect.stringMatching(/^spec\.url (?!.*(:secret|ada))/)}),
    )
  })

  test('file and http are open only where they are allowed', () => {
    expect(parseLocation('file:///srv/x', main, {allowFile: true}).transport).toBe('file')
    expect(parseLocation('http://127.0.0.1/x', main, {allowHttp: true}).transport).toBe('http')
    expect(() => parseLocation('file://host/x', main, {allowFile: true})).toThrow('spec.url')
  })
})

describe('spec.ref and spec.path', () => {
  test.each(['main', 'feature/x-1', 'v1.2.3', 'ü'])('%s is a ref name', name => {
    expect(parseLocation('https://example.com/x', {tag: name}).ref).toBe(`refs/tags/${name}`)
  })

  test.each([
    '',
    '-x',
    '/x',
    'x/',
    'a..b',
    'a b',
    'a~1',
    'a^',
    'a:b',
    'a?',
    'a*',
    '[a',
    'a\\b',
    'a@{1}',
    '@',
    '.a',
    'a/.b',
    'a.lock',
    'a//b',
    'a.',
    'a\n',
  ])('%j is not', name => {
    expect(() => parseLocation('https://example.com/x', {tag: name})).toThrow('spec.ref.tag')
  })

  test('both a branch and a tag are one too many', () => {
    expect(() => parseLocation('https://example.com/x', {branch: 'a', tag: 'b'})).toThrow('both a branch and a tag')
  })

  test('a path is made plain, and stays inside', () => {
    expect(['.', './', '', 'a', './a//b/'].map(parsePath)).toEqual(['', '', '', 'a', 'a/b'])
    for (const path of ['..', 'a/../../b', '/etc', 'a\0b']) expect(() => parsePath(path)).toThrow('spec.path')
  })
})

describe('what Git prints', () => {
  const context = {url: 'https://example.com/x', refName: 'branch main', hasCredentials: true, secrets: ['hunter22']}

  test.each([
    ['fatal: Authentication failed for x', 'AuthenticationFailed', 'spec.auth.secretRef'],
    [
      'git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.',
      'AuthenticationFailed',
      'renew',
    ],
    [
      'Host key verification failed.\nfatal: Could not read from remote repository.',
      'AuthenticationFailed',
      'known_hosts',
    ],
    ["fatal: repository 'https://example.com/x/' not found", 'Unreachable', 'no repository'],
    ['fatal: unable to access x: Could not resolve host: x', 'Unreachable', 'spec.url'],
    [
      'error: RPC failed; Operation too slow\nfatal: early EOF\nfatal: fetch-pack: invalid index-pack output',
      'Unreachable',
      'network',
    ],
    ['fatal: write error: No space left on device\nfatal: invalid index-pack output', 'GitFailed', 'disk'],
    ['fatal: something new', 'GitFailed', 'something new'],
  ])('%j is %s', (output, reason, text) => {
    const error = classifyGitFailure(output, context)
    expect([error.reason, error.message]).toEqual([reason, expect.stringContaining(text)])
  })

  test('loses credentials and control characters', () => {
    const output = 'hint\nfatal: https://ada:pw@example.com said \u001b[31mhunter22'
    expect(classifyGitFailure(output, context).message).toContain(
      '(Git says: fatal: https://example.com said  [31m***)',
    )
  })
})
