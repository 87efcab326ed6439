// Bundles the command into dist/: one file per entry, so that the controller starts quickly and holds only the code that
// it uses (of the Kubernetes client that is a small part).
import {fileURLToPath} from 'node:url'
import {build} from 'rolldown'

const root = fileURLToPath(new URL('..', import.meta.url))

await build({
  cwd: root,
  input: {main: 'cli/main.ts'},
  platform: 'node',
  logLevel: 'warn',
  output: {
    dir: 'dist',
    format: 'esm',
    minify: {mangle: false, compress: true, codegen: {removeWhitespace: true}},
    cleanDir: true,
  },
})
