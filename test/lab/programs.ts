// The lab's programs, each as one text: a lab starts five of them, and Node.js takes half a second to strip the types
// from the sixty modules of one. A sandbox gets them through its door, so that nothing of them is left outside.

import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildSync } from 'esbuild'
import { nodeProgram } from '../support/node-program.ts'

const here = fileURLToPath(new URL('.', import.meta.url))

export interface LabPrograms {
  /** The first process of the sandbox: short enough for an argument of 128 KiB. */
  readonly labd: string
  /** What it starts, by file name. */
  readonly boxes: Readonly<Record<string, string>>
}

let made: LabPrograms | null = null

export function labPrograms(): LabPrograms {
  made ??= {
    labd: Object.values(bundled('labd.ts'))[0] ?? '',
    boxes: {
      ...bundled('internet.ts', 'provider.ts', 'test-helper.ts'),
      ...Object.fromEntries(
        ['delay.py', 'inject.py', 'nat64.py'].map((name) => [name, readFileSync(join(here, name), 'utf8')]),
      ),
    },
  }
  return made
}

function bundled(...entryPoints: readonly string[]): Record<string, string> {
  const { outputFiles } = buildSync({
    absWorkingDir: here,
    entryPoints: [...entryPoints],
    outdir: '.',
    ...nodeProgram,
    outExtension: { '.js': '.mjs' },
    write: false,
    minifyWhitespace: true,
  })
  return Object.fromEntries(outputFiles.map(({ path, text }) => [basename(path), text]))
}
