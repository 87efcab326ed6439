import {defineConfig} from 'vitest/config'
import {TestReporter} from './scripts/test-reporter.ts'

// No module holds mutable state, so the tests share one module graph per worker: that makes them fast.
export default defineConfig({
  test: {
    include: ['{analysis,cli,controller,crds,gitops,mesh,playground}/**/*.test.ts', 'test/**/*.test.ts'],
    reporters: ['default', new TestReporter()],
    exclude: ['test/cluster/**', 'node_modules/**'],
    isolate: false,
    testTimeout: 60_000,
    // One for each of two cores: by itself vitest leaves one core free.
    maxWorkers: 2,
  },
})
