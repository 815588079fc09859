// How a TypeScript program of a test is made into one file that any Node.js of ours runs, for esbuild.

import type { BuildOptions } from 'esbuild'

export const nodeProgram = {
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'error',
  // An ES module has no `require`, and some packages ask for Node's own modules with it.
  banner: { js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);" },
} satisfies BuildOptions
