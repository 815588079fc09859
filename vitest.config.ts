import { defineConfig } from 'vitest/config'

// One process per file: suites start servers and children of their own and must not share module state.
export default defineConfig({
  test: {
    include: ['{agent,collector,coordinator,tests-spec,build,test}/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
