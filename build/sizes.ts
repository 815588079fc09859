// The size of a bundle, and which package its bytes are from.

import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Bundle } from './bundle.ts'
import { table } from './table.ts'

export interface Sizes {
  readonly rawBytes: number
  /** Size as a web server or a package would carry it: gzip at its highest level. */
  readonly gzipBytes: number
  /** Bytes in the bundle by package, the largest first; our own code by its top folder. */
  readonly byPackage: ReadonlyMap<string, number>
}

export function sizesOf({ outfile, metafile }: Bundle): Sizes {
  const bytes = readFileSync(outfile)
  const byPackage = new Map<string, number>()
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      if (bytesInOutput === 0) continue
      const name = packageOf(path)?.name ?? ownFolder(path)
      byPackage.set(name, (byPackage.get(name) ?? 0) + bytesInOutput)
    }
  }
  return {
    rawBytes: bytes.length,
    gzipBytes: gzipSync(bytes, { level: 9 }).length,
    byPackage: new Map([...byPackage].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
  }
}

/**
 * @returns The package that a bundled file is from, and its folder; null for our own files and for those that a
 * plugin made.
 */
export function packageOf(path: string): { name: string; folder: string } | null {
  const match = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)
  return match?.[1] === undefined ? null : { name: match[1], folder: match[0].slice(0, -1) }
}

function ownFolder(path: string): string {
  if (/^(narrow|cut):/.test(path)) return 'stand-ins for what is cut'
  return path.includes('/') ? `${path.split('/')[0]}/` : path
}

export function sizeTable(bundle: Bundle): string {
  const { rawBytes, gzipBytes, byPackage } = sizesOf(bundle)
  const rows = [...byPackage].map(([name, bytes]) => [name, count(bytes)])
  return table(
    ['in the bundle', 'bytes'],
    [...rows, ['total', count(rawBytes)], ['total, gzip -9', count(gzipBytes)]],
  )
}

const count = (bytes: number) => bytes.toLocaleString('en')
