// What needs a Debian of its own and minutes: `npm run test:packages` (main.ts). Not part of `npm test`.

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/packages/*.minutes.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 240_000,
    hookTimeout: 300_000,
  },
})
