// The files of a package before it is one: what depends on the machine that builds (times, owners, masks) is left out.

import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'

interface PlannedFile {
  readonly content: Buffer | { readonly copyOf: string }
  readonly mode: number
}

/** Paths are relative, with `/`. */
export class FileTree {
  readonly #files = new Map<string, PlannedFile>()

  add(path: string, content: string | Buffer, mode = 0o644): void {
    this.#files.set(path, { content: Buffer.from(content), mode })
  }

  copy(path: string, from: string, mode = 0o644): void {
    this.#files.set(path, { content: { copyOf: from }, mode })
  }

  /** A text as Debian wants documents: gzip without name and time. */
  addGzipped(path: string, text: string): void {
    this.add(`${path}.gz`, gzipSync(text, { level: 9 }))
  }

  paths(): string[] {
    return [...this.#files.keys()].sort()
  }

  /** Rounded up, in KiB, as Debian's `Installed-Size` is. */
  installedKib(): number {
    const sizes = [...this.#files.values()].map(({ content }) => bytesOf(content).length)
    return sizes.reduce((sum, size) => sum + Math.ceil(size / 1024), 0)
  }

  /** Lines as md5sum(1) writes them, which Debian's packages carry. */
  md5sums(): string {
    const line = (path: string) => {
      const content = this.#files.get(path)?.content ?? Buffer.alloc(0)
      return `${createHash('md5').update(bytesOf(content)).digest('hex')}  ${path}\n`
    }
    return this.paths().map(line).join('')
  }

  /** Writes everything below `folder`, all of one time, in milliseconds since 1970. */
  write(folder: string, dateMs: number): void {
    for (const [path, { content, mode }] of this.#files) {
      const target = join(folder, path)
      mkdirSync(dirname(target), { recursive: true })
      if (Buffer.isBuffer(content)) writeFileSync(target, content)
      else copyFileSync(content.copyOf, target)
      chmodSync(target, mode)
    }
    // Folders may have got the mask of whoever builds.
    spawnSync('find', [folder, '-type', 'd', '-exec', 'chmod', '755', '{}', '+'])
    for (const path of this.paths()) utimesSync(join(folder, path), dateMs / 1000, dateMs / 1000)
  }
}

function bytesOf(content: PlannedFile['content']): Buffer {
  return Buffer.isBuffer(content) ? content : readFileSync(content.copyOf)
}
