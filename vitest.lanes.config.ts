import {defineConfig} from 'vitest/config'

// The slower lanes: real processes and real time, one file after the other. What a file runs at once is two at a time, for
// two cores.
export default defineConfig({
  test: {
    include: ['test/lanes/**/*.lane.ts'],
    fileParallelism: false,
    maxConcurrency: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
