import { defineConfig } from 'vitest/config'

// One process per file: suites start servers and children of their own and must not share module state.
export default defineConfig({
  test: {
    include: ['{agent,collector,coordinator,tests-spec,build,test}/**/*.test.ts'],
    pool: 'forks',
    // On two cores the default is one at a time, and most suites wait more than they work.
    maxWorkers: 2,
    // A test ends by an event; this only ends one that hangs, also on a machine that is busy.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
