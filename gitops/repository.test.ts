import {execFileSync, spawn} from 'node:child_process'
import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {join} from 'node:path'
import {afterEach, describe, expect, test} from 'vitest'
import {GitError, type GitErrorReason} from './git-error.ts'
import {openRepository, type Repository, type RepositoryOptions} from './repository.ts'
import {GitFixture} from './test-support/git-fixture.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

function fixture(): GitFixture {
  const made = new GitFixture()
  cleanups.push(() => made.remove())
  return made
}

async function open(git: GitFixture, options: Partial<RepositoryOptions> = {}): Promise<Repository> {
  const repository = await openRepository({
    url: git.url,
    ref: {branch: 'main'},
    cacheDirectory: git.cacheDirectory,
    timeoutMilliseconds: 10_000,
    allowFile: true,
    ...options,
  })
  cleanups.unshift(() => repository.close())
  return repository
}

async function failure(work: Promise<unknown>): Promise<GitError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof GitError)) throw new Error(`expected a GitError, got ${String(error)}`)
  return error
}

async function expectFailure(work: Promise<unknown>, reason: GitErrorReason, text: RegExp): Promise<void> {
  const error = await failure(work)
  expect([error.reason, error.message]).toEqual([reason, expect.stringMatching(text)])
}

const everything = (): boolean => true

describe('a repository', () => {
  test('is read at its branch: hash, files below the path, commit', async () => {
    const git = fixture()
    const hash = git.commit({'a/b/c.yaml': 'x: 1\n', 'a/é 1.yaml': 'y: 2\n', 'z.yaml': ''}, 'Subject\n\nbody')
    const repository = await open(git)
    expect(await repository.remoteHash()).toBe(hash)
    expect(await repository.localHash()).toBeUndefined()
    expect(await repository.fetch()).toBe(hash)
    expect(await repository.localHash()).toBe(hash)
    const files = await repository.readTree(hash, './a/', everything)
    expect(files.map(file => [file.path, file.content.toString()])).toEqual([
      ['a/b/c.yaml', 'x: 1\n'],
      ['a/é 1.yaml', 'y: 2\n'],
    ])
    expect(await repository.readTree(hash, '.', path => path === 'z.yaml')).toEqual([
      {path: 'z.yaml', content: Buffer.alloc(0)},
    ])
    const info = await repository.commitInfo(hash)
    expect(info).toMatchObject({hash, author: 'Ada Example <ada@example.com>', subject: 'Subject'})
    expect(Date.parse(info.time)).toBeGreaterThan(0)
  })

  test('is followed over a force-push', async () => {
    const git = fixture()
    const first = git.commit({'a.yaml': 'v: 1'})
    git.commit({'a.yaml': 'v: 2'})
    const repository = await open(git)
    await repository.fetch()
    git.git('reset', '--quiet', '--hard', first)
    const other = git.commit({'a.yaml': 'v: 3'})
    expect(await repository.remoteHash()).toBe(other)
    expect(await repository.fetch()).toBe(other)
    expect((await repository.readTree(other, '', everything))[0]?.content.toString()).toBe('v: 3')
  })

  test('is followed at a tag, annotated or not, whatever else ends in its name', async () => {
    const git = fixture()
    const first = git.commit({'a.yaml': 'v: 1'})
    git.git('tag', 'light')
    git.git('tag', '--annotate', '--message', 'words', 'v1')
    git.commit({'a.yaml': 'v: 2'})
    git.git('update-ref', 'refs/heads/x/refs/tags/v1', 'HEAD')
    for (const tag of ['light', 'v1']) {
      const repository = await open(git, {ref: {tag}})
      expect(await repository.remoteHash()).toBe(first)
      expect(await repository.fetch()).toBe(first)
    }
  })

  test('survives a broken cache and keeps no history', async () => {
    const git = fixture()
    for (const version of [1, 2, 3]) git.commit({'a.yaml': `v: ${version}`})
    const repository = await open(git)
    await repository.fetch()
    const clone = join(git.cacheDirectory, 'clone.git')
    expect(execFileSync('git', ['rev-list', '--count', '--all'], {cwd: clone, encoding: 'utf8'}).trim()).toBe('1')
    execFileSync('rm', ['-r', join(clone, 'objects')])
    expect(await repository.localHash()).toBeUndefined()
    await failure(repository.fetch())
    expect(await repository.fetch()).toBe(await repository.remoteHash())
  })
})

describe('refused content', () => {
  test('symbolic links and submodules, by path', async () => {
    const git = fixture()
    git.commit({'ok/a.yaml': 'v: 1', 'deploy/a.yaml': 'v: 1'})
    git.link('deploy/link.yaml', '/etc/passwd')
    const linked = git.commit({})
    const repository = await open(git)
    await repository.fetch()
    await expectFailure(
      repository.readTree(linked, 'deploy', everything),
      'UnsafeContent',
      /"deploy\/link.yaml" is a symb/,
    )
    await expectFailure(repository.readTree(linked, 'deploy/link.yaml', everything), 'PathNotFound', /spec\.path/)
    expect(await repository.readTree(linked, 'ok', everything)).toHaveLength(1)
    git.git('rm', '--quiet', 'deploy/link.yaml')
    git.git('update-index', '--add', '--cacheinfo', `160000,${linked},deploy/sub`)
    git.git('commit', '--quiet', '--message', 'submodule')
    const hash = await repository.fetch()
    await expectFailure(
      repository.readTree(hash, 'deploy', everything),
      'UnsafeContent',
      /"deploy\/sub" is a submodule/,
    )
  })

  test('a missing folder, a path out of the repository, a file that is too large', async () => {
    const git = fixture()
    const hash = git.commit({'a/big.yaml': 'x'.repeat(1024 * 1024 + 1)})
    const repository = await open(git)
    await repository.fetch()
    await expectFailure(repository.readTree(hash, 'b', everything), 'PathNotFound', /no folder "b".*spec\.path/)
    await expectFailure(repository.readTree(hash, 'a/../..', everything), 'PathNotFound', /without "\.\."/)
    await expectFailure(repository.readTree(hash, 'a', everything), 'RepositoryTooLarge', /"a\/big.yaml"/)
  })

  test('malformed objects', async () => {
    const git = fixture()
    git.commit({'a.yaml': 'v: 1'})
    const blob = Buffer.from(git.git('rev-parse', 'HEAD:a.yaml'), 'hex')
    const tree = Buffer.concat([Buffer.from('100644 .git\0'), blob])
    const options = {cwd: git.directory, input: tree, encoding: 'utf8'} as const
    const hash = execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], options).trim()
    git.git('update-ref', 'refs/heads/main', git.git('commit-tree', '-m', 'evil', hash))
    const repository = await open(git)
    await expectFailure(repository.fetch(), 'UnsafeContent', /malformed objects/)
  })

  test('a repository over the size limit, which leaves no clone behind', async () => {
    const git = fixture()
    const noise = Array.from({length: 20_000}, (_, index) => (index * 2_654_435_761) % 4_294_967_291)
    git.commit({'noise.txt': noise.join('')})
    const repository = await open(git, {maximumRepositoryBytes: 16 * 1024})
    await expectFailure(repository.fetch(), 'RepositoryTooLarge', /too large to fetch/)
    expect(existsSync(join(git.cacheDirectory, 'clone.git'))).toBe(false)
  })
})

describe('a remote that does not answer as wished', () => {
  test('missing ref, missing repository, closed port', async () => {
    const git = fixture()
    git.commit({})
    const missing = await open(git, {ref: {branch: 'nope'}})
    await expectFailure(missing.remoteHash(), 'RefNotFound', /no branch nope: correct spec\.ref/)
    await expectFailure(missing.fetch(), 'RefNotFound', /spec\.ref/)
    const nowhere = await open(git, {url: `file://${git.root}/nowhere`})
    await expectFailure(nowhere.remoteHash(), 'Unreachable', /no repository.*spec\.url/)
    const closed = await open(git, {url: 'https://127.0.0.1:1/x.git'})
    await expectFailure(closed.remoteHash(), 'Unreachable', /cannot reach https:\/\/127\.0\.0\.1:1/)
  })

  test('silence ends at the deadline, with all child processes', async () => {
    const git = fixture()
    const address = await listen(() => undefined)
    const repository = await open(git, {url: `${address}/silent.git`, allowHttp: true, timeoutMilliseconds: 300})
    await expectFailure(repository.remoteHash(), 'Timeout', /longer than 0\.3 s.*spec\.timeout/)
    expect(processesNaming(`${address}/silent.git`)).toEqual([])
  })

  test('a redirect is not followed', async () => {
    const git = fixture()
    const address = await listen((_request, response) => {
      response.writeHead(302, {location: 'http://127.0.0.1:1/'}).end()
    })
    const repository = await open(git, {url: `${address}/x.git`, allowHttp: true})
    await expectFailure(repository.remoteHash(), 'Unreachable', /final address in spec\.url/)
  })
})

describe('credentials over http', () => {
  const credentials = {kind: 'password', username: 'ada', password: "o'pen $esame"} as const

  test('open a private repository, and never touch disk, argument list or message', async () => {
    const git = fixture()
    const hash = git.commit({'a.yaml': 'v: 1'})
    const address = await serveGit(git, 'ada', credentials.password)
    const url = `${address}/source/.git`
    const repository = await open(git, {url, allowHttp: true, credentials})
    expect(await repository.remoteHash()).toBe(hash)
    expect(await repository.fetch()).toBe(hash)
    const stored = readdirSync(git.cacheDirectory, {recursive: true, withFileTypes: true})
      .filter(entry => entry.isFile())
      .filter(entry => readFileSync(join(entry.parentPath, entry.name)).includes(credentials.password))
    expect(stored).toEqual([])
    await repository.close()
    expect(readdirSync(git.cacheDirectory)).toEqual(['clone.git'])
  })

  test('that are wrong or missing are told apart, without showing them', async () => {
    const git = fixture()
    git.commit({})
    const address = await serveGit(git, 'ada', 'right password')
    const options = {url: `${address}/source/.git`, allowHttp: true}
    const wrong = await open(git, {...options, credentials})
    const error = await failure(wrong.remoteHash())
    expect(error.reason).toBe('AuthenticationFailed')
    expect(error.message).toMatch(/refused the credentials of spec\.auth\.secretRef/)
    expect(error.message).not.toContain('esame')
    const anonymous = await open(git, options)
    await expectFailure(
      anonymous.remoteHash(),
      'AuthenticationFailed',
      /asks for credentials: set spec\.auth\.secretRef/,
    )
  })
})

async function listen(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server: Server = createServer(handler)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** git http-backend as CGI, behind a password. */
function serveGit(git: GitFixture, user: string, password: string): Promise<string> {
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  return listen((request, response) => {
    if (request.headers.authorization !== expected) {
      response.writeHead(401, {'www-authenticate': 'Basic realm="git"'}).end()
      return
    }
    const url = new URL(request.url ?? '/', 'http://localhost')
    const child = spawn('git', ['http-backend'], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: git.root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers['content-type'],
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
        GIT_PROTOCOL: request.headers['git-protocol'] as string | undefined,
      },
    })
    request.pipe(child.stdin)
    const chunks: Buffer[] = []
    child.stdout.on('data', chunk => chunks.push(chunk))
    child.on('close', () => answer(Buffer.concat(chunks), response))
  })
}

function answer(output: Buffer, response: ServerResponse): void {
  const end = output.indexOf('\r\n\r\n')
  const lines = output.toString('latin1', 0, end).split('\r\n')
  const headers = Object.fromEntries(lines.map(line => [line.split(': ')[0] ?? '', line.split(': ')[1] ?? '']))
  response.writeHead(Number(headers.Status?.split(' ')[0] ?? 200), headers).end(output.subarray(end + 4))
}

function processesNaming(text: string): string[] {
  const ids = readdirSync('/proc').filter(name => /^\d+$/.test(name))
  return ids.flatMap(id => {
    try {
      const line = readFileSync(`/proc/${id}/cmdline`, 'utf8')
      return line.includes(text) ? [line] : []
    } catch {
      return []
    }
  })
}
