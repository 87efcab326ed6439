// The demo's Git repository: a bare one that the GitSync follows, and a clone in which the demo works as a person would,
// on a branch that it merges and pushes.
import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'
import {type SimpleGit, simpleGit} from 'simple-git'
import {type DemoVersion, deploymentManifest, otherManifests} from './manifests.ts'
import type {DemoVariant} from './variants.ts'

export interface DemoRepository {
  /** Address of the bare repository. */
  url: string
  /** Folder of the clone. */
  work: string
  /** Commits a version on a branch, merges it and pushes; the hash of the merge. */
  merge(version: DemoVersion, subject: string): Promise<string>
}

const author = {name: 'Demo Developer', email: 'developer@shop.example'}

/** Makes the repository in an empty folder, with the first version on `main`. */
export async function createRepository(
  folder: string,
  first: DemoVersion,
  alertAddress: string,
  variant: DemoVariant,
): Promise<DemoRepository> {
  const bare = join(folder, 'shop.git')
  const work = join(folder, 'shop')
  await mkdir(bare, {recursive: true})
  await simpleGit(bare).init(true, {'--initial-branch': 'main'})
  await simpleGit(folder).clone(bare, work)
  const git = simpleGit(work)
  await git.addConfig('user.name', author.name)
  await git.addConfig('user.email', author.email)
  await git.addConfig('commit.gpgsign', 'false')
  await git.checkoutLocalBranch('main')
  await mkdir(join(work, 'deploy'))
  for (const [name, contents] of Object.entries(otherManifests(alertAddress, variant)))
    await writeFile(join(work, 'deploy', name), contents)
  await writeVersion(work, first)
  await git.add('.')
  await git.commit(`checkout ${first.version}: first version`)
  await git.push('origin', 'main')
  return {url: pathToFileURL(bare).href, work, merge: (version, subject) => mergeVersion(git, work, version, subject)}
}

async function mergeVersion(git: SimpleGit, work: string, version: DemoVersion, subject: string): Promise<string> {
  const branch = `release-${version.version}`
  await git.checkoutLocalBranch(branch)
  await writeVersion(work, version)
  await git.add('.')
  await git.commit(subject)
  await git.checkout('main')
  await git.merge(['--no-ff', '-m', subject, branch])
  await git.push('origin', 'main')
  return git.revparse(['HEAD'])
}

function writeVersion(work: string, version: DemoVersion): Promise<void> {
  return writeFile(join(work, 'deploy', 'deployment.yaml'), deploymentManifest(version))
}
