// A real repository in a temporary folder, to sync from.
import {execFileSync} from 'node:child_process'
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs'
import {tmpdir} from 'node:os'
import {dirname, join} from 'node:path'

export class GitFixture {
  readonly root: string
  readonly directory: string

  constructor() {
    this.root = mkdtempSync(join(tmpdir(), 'fairlead-gitops-'))
    this.directory = join(this.root, 'source')
    mkdirSync(this.directory)
    this.git('init', '--quiet', '--initial-branch=main')
  }

  get url(): string {
    return `file://${this.directory}`
  }

  get cacheDirectory(): string {
    return join(this.root, 'cache')
  }

  git(...commandArguments: string[]): string {
    const identity = ['-c', 'user.name=Ada Example', '-c', 'user.email=ada@example.com', '-c', 'commit.gpgsign=false']
    return execFileSync('git', [...identity, ...commandArguments], {
      cwd: this.directory,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim()
  }

  /** Writes files (undefined removes one), commits everything, answers the hash. */
  commit(files: Record<string, string | undefined>, message = 'A change'): string {
    for (const [path, content] of Object.entries(files)) {
      const file = join(this.directory, path)
      if (content === undefined) {
        rmSync(file)
        continue
      }
      mkdirSync(dirname(file), {recursive: true})
      writeFileSync(file, content)
    }
    this.git('add', '--all')
    this.git('commit', '--quiet', '--allow-empty', '--message', message)
    return this.git('rev-parse', 'HEAD')
  }

  link(path: string, target: string): void {
    symlinkSync(target, join(this.directory, path))
  }

  remove(): void {
    rmSync(this.root, {recursive: true, force: true})
  }
}
