// Options for esbuild to make a TypeScript program of a test into one file that any of our Node.js versions runs.

import type { BuildOptions } from 'esbuild'

export const nodeProgram = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'error',
  // An ES module has no `require`, and some packages load Node's own modules with it.
  banner: {
    js: "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);",
  },
} satisfies BuildOptions
