import {defineConfig} from 'vitest/config'
import {TestReporter} from './scripts/test-reporter.ts'

// Lanes with real parts. They wait more than they compute, so a few run at once.
export default defineConfig({
  test: {
    include: ['test/cluster/**/*.lane.ts'],
    reporters: ['verbose', new TestReporter()],
    globalSetup: ['test/cluster/global-setup.ts'],
    maxWorkers: 3,
    maxConcurrency: 8,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
})
