import {defineConfig} from 'vitest/config'
import {TestReporter} from './scripts/test-reporter.ts'

// The slower lanes: real processes and real time, one file after the other. What a file runs at once is two at a time, for
// two cores.
export default defineConfig({
  test: {
    include: ['test/lanes/**/*.lane.ts'],
    reporters: ['verbose', new TestReporter()],
    fileParallelism: false,
    maxConcurrency: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
