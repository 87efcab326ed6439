// Reads what `ls-tree -rz -l` and `cat-file --batch` print. A tree is untrusted: links and submodules point outside of
// it, and are refused.
import {GitError} from './git-error.ts'

/** A file of a commit. */
export interface TreeFile {
  /** From the root of the repository. */
  path: string
  content: Buffer
}

/** A file that a tree lists. */
export interface TreeEntry {
  path: string
  hash: string
  bytes: number
}

const maximumTreeEntries = 20_000
const maximumFiles = 2_000
const maximumFileBytes = 1024 * 1024
export const maximumTotalBytes = 16 * 1024 * 1024

const modeSymlink = '120000'
const modeSubmodule = '160000'

/**
 * The files of a listing that `accept` wants.
 * @param folder from the root of the repository, empty for the root itself; the listing is relative to it.
 * @throws GitError `UnsafeContent` for a symlink or submodule, `RepositoryTooLarge` over a bound; both name the path.
 */
export function parseTree(listing: string, folder: string, accept: (path: string) => boolean): TreeEntry[] {
  const records = listing.split('\0').filter(record => record !== '')
  if (records.length > maximumTreeEntries) {
    throw tooLarge(`holds ${records.length} files, more than ${maximumTreeEntries}`)
  }
  const entries: TreeEntry[] = []
  for (const record of records) {
    const entry = parseRecord(record, folder)
    if (accept(entry.path)) entries.push(entry)
  }
  checkSizes(entries)
  return entries
}

function parseRecord(record: string, folder: string): TreeEntry {
  const tab = record.indexOf('\t')
  const [mode = '', , hash = '', size = ''] = record.slice(0, tab).split(/ +/)
  const name = record.slice(tab + 1)
  const path = folder === '' ? name : `${folder}/${name}`
  if (mode === modeSymlink) {
    throw unsafe(`${JSON.stringify(path)} is a symbolic link: replace it in Git with the file that it points to`)
  }
  if (mode === modeSubmodule) {
    throw unsafe(`${JSON.stringify(path)} is a submodule: remove it, or sync that repository with a GitSync of its own`)
  }
  return {path, hash, bytes: Number(size)}
}

function checkSizes(entries: readonly TreeEntry[]): void {
  if (entries.length > maximumFiles) throw tooLarge(`holds ${entries.length} manifest files, more than ${maximumFiles}`)
  const large = entries.find(entry => entry.bytes > maximumFileBytes)
  if (large) throw tooLarge(`holds ${JSON.stringify(large.path)}, which is larger than ${maximumFileBytes} bytes`)
  const total = entries.reduce((sum, entry) => sum + entry.bytes, 0)
  if (total > maximumTotalBytes) throw tooLarge(`holds ${total} bytes of manifests, more than ${maximumTotalBytes}`)
}

function tooLarge(problem: string): GitError {
  return new GitError('RepositoryTooLarge', `spec.path ${problem}: point it at a smaller folder`)
}

function unsafe(problem: string): GitError {
  return new GitError('UnsafeContent', `under spec.path, ${problem}, or point spec.path at a folder without it`)
}

/**
 * Pairs the entries with the contents that `cat-file --batch` printed for their hashes, in the same order.
 * @throws GitError `GitFailed` when the output doesn't match the entries.
 */
export function parseContents(output: Buffer, entries: readonly TreeEntry[]): TreeFile[] {
  let offset = 0
  return entries.map(({path, hash, bytes}) => {
    const lineEnd = output.indexOf(0x0a, offset)
    const header = output.toString('latin1', offset, lineEnd)
    if (lineEnd < 0 || header !== `${hash} blob ${bytes}`) {
      throw new GitError('GitFailed', `Git gave no content for ${JSON.stringify(path)}; it is tried again`)
    }
    const start = lineEnd + 1
    offset = start + bytes + 1
    return {path, content: output.subarray(start, start + bytes)}
  })
}
