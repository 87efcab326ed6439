import {defineConfig} from 'vitest/config'

// The slower lanes: real processes and real time, one after the other.
export default defineConfig({
  test: {include: ['test/lanes/**/*.lane.ts'], fileParallelism: false, testTimeout: 120_000, hookTimeout: 120_000},
})
