import {mkdtempSync, readFileSync, rmSync, statSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {afterEach, describe, expect, test} from 'vitest'
import {disposeEnvironment, type GitCredentials, type GitEnvironment, prepareEnvironment} from './git-environment.ts'
import {parseLocation} from './git-location.ts'

const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, {recursive: true, force: true})
})

function prepare(url: string, credentials?: GitCredentials): Promise<GitEnvironment> {
  const folder = mkdtempSync(join(tmpdir(), "fairlead it's-"))
  folders.push(folder)
  return prepareEnvironment({
    location: parseLocation(url, {branch: 'main'}),
    privateDirectory: join(folder, 'private'),
    repositoryDirectory: join(folder, 'clone.git'),
    credentials,
  })
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8)
}

const ssh: GitCredentials = {kind: 'ssh', identity: 'KEY\n\n', knownHosts: 'host ssh-ed25519 AAAA'}

describe('the environment', () => {
  test('holds nothing of the controller and closes every door', async () => {
    const {variables, privateDirectory} = await prepare('https://example.com/x')
    expect(variables).toMatchObject({
      GIT_ALLOW_PROTOCOL: 'https',
      GIT_TERMINAL_PROMPT: '0',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      GIT_LFS_SKIP_SMUDGE: '1',
      HOME: join(privateDirectory, 'home'),
    })
    expect(Object.keys(variables)).not.toContain('GIT_ASKPASS')
    expect(mode(privateDirectory)).toBe('700')
  })

  test('keeps an SSH identity in a private file, and trusts known hosts only', async () => {
    const environment = await prepare('git@example.com:team/app.git', ssh)
    const command = environment.variables.GIT_SSH_COMMAND ?? ''
    expect(environment.variables.GIT_ALLOW_PROTOCOL).toBe('ssh')
    for (const part of ['-F none', 'IdentitiesOnly=yes', 'BatchMode=yes', 'StrictHostKeyChecking=yes']) {
      expect(command).toContain(part)
    }
    const identity = join(environment.privateDirectory, 'identity')
    expect(command).toContain(`-i '${identity.replaceAll("'", `'\\''`)}'`)
    expect([readFileSync(identity, 'utf8'), mode(identity)]).toEqual(['KEY\n', '600'])
    expect(readFileSync(join(environment.privateDirectory, 'known_hosts'), 'utf8')).toBe('host ssh-ed25519 AAAA\n')
    await disposeEnvironment(environment)
    expect(() => statSync(identity)).toThrow(/ENOENT/)
  })

  test('gives a password to askpass by a variable', async () => {
    const environment = await prepare('https://example.com/x', {kind: 'password', username: 'ada', password: 'secret1'})
    const askpass = environment.variables.GIT_ASKPASS ?? ''
    expect([mode(askpass), readFileSync(askpass, 'utf8')]).toEqual(['700', expect.not.stringContaining('secret1')])
    expect(environment.variables.FAIRLEAD_GIT_PASSWORD).toBe('secret1')
    expect(environment.secrets).toContain('secret1')
  })

  test.each<[string, GitCredentials | undefined, RegExp]>([
    ['ssh://git@example.com/x', undefined, /spec\.auth\.secretRef is not set/],
    ['ssh://git@example.com/x', {kind: 'password', username: 'a', password: 'b'}, /no identity and known_hosts/],
    ['https://example.com/x', ssh, /not an SSH address/],
    ['https://example.com/x', {kind: 'password', username: 'a', password: 'b\n'}, /line break/],
  ])('refuses credentials that do not fit %s', async (url, credentials, message) => {
    await expect(prepare(url, credentials)).rejects.toMatchObject({
      reason: 'AuthenticationFailed',
      message: expect.stringMatching(message),
    })
  })
})
