// Writes the generated files; with --check it only says which of them aren't current, and fails.
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'
import {generatedFiles} from './generated-files.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const files = Object.entries(generatedFiles())
const stale = files.filter(([path, contents]) => {
  const file = join(root, path)
  return !existsSync(file) || readFileSync(file, 'utf8') !== contents
})

if (process.argv.includes('--check')) {
  for (const [path] of stale) process.stderr.write(`${path} is not current: run \`npm run generate\` and commit it\n`)
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const [path, contents] of stale) {
    mkdirSync(dirname(join(root, path)), {recursive: true})
    writeFileSync(join(root, path), contents)
  }
  process.stdout.write(`${stale.length} of ${files.length} files written\n`)
}
