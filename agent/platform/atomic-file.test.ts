import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AtomicDisk,
  areFoldersFlushed,
  nodeAtomicDisk,
  readFileIfPresent,
  removeFile,
  removeLeftovers,
  replaceFile,
  writeFileDurably,
} from './atomic-file.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sonde-file-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/**
 * The machine's disk, with every call reported to `tell` first; an error that `tell` throws takes the place of the
 * call.
 */
function told(tell: (call: string) => void): AtomicDisk {
  const disk = nodeAtomicDisk
  return {
    async create(path, mode) {
      tell('create')
      const file = await disk.create(path, mode)
      return {
        async write(bytes, offset, length, position) {
          tell('write')
          // A disk may take fewer bytes than asked.
          return file.write(bytes, offset, Math.min(length, 1_000), position)
        },
        async datasync() {
          tell('datasync')
          await file.datasync()
        },
        async sync() {
          tell('sync')
          await file.sync()
        },
        async close() {
          // The file is closed in any case: from Node.js 25 on, a handle that is left to the garbage collector ends
          // the process.
          await file.close()
          tell('close')
        },
      }
    },
    async rename(from, to) {
      tell('rename')
      await disk.rename(from, to)
    },
    async unlink(path) {
      tell('unlink')
      await disk.unlink(path)
    },
    readFile: (path) => disk.readFile(path),
    readDirectory: (path) => disk.readDirectory(path),
    async syncDirectory(path) {
      tell('syncDirectory')
      await disk.syncDirectory(path)
    },
  }
}

describe('writeFileDurably()', () => {
  it('replaces a file, readable by its owner only unless said otherwise', async () => {
    const path = join(dir, 'state')
    await writeFileDurably(path, Buffer.from('old'))
    await writeFileDurably(path, Buffer.from('new'))
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await writeFileDurably(join(dir, 'open'), Buffer.from('x'), { mode: 0o644 })
    expect(statSync(join(dir, 'open')).mode & 0o777).toBe(0o644)
  })

  it('writes beside, syncs, renames, then syncs the folder: in this order', async () => {
    const calls: string[] = []
    await writeFileDurably(join(dir, 'state'), Buffer.alloc(2_500, 1), {
      disk: told((call) => calls.push(call)),
    })
    expect(calls).toEqual(['create', 'write', 'write', 'write', 'sync', 'close', 'rename', 'syncDirectory'])
    expect(readFileSync(join(dir, 'state'))).toEqual(Buffer.alloc(2_500, 1))
  })

  it('writes an empty file', async () => {
    await writeFileDurably(join(dir, 'empty'), Buffer.alloc(0))
    expect(readFileSync(join(dir, 'empty'))).toHaveLength(0)
  })

  it.each(['create', 'write', 'sync', 'close', 'rename', 'syncDirectory'])(
    'leaves the old content or the new, and nothing beside it, when %s fails',
    async (failing) => {
      const path = join(dir, 'state')
      writeFileSync(path, 'old')
      const disk = told((call) => {
        if (call === failing) throw Object.assign(new Error(`EIO: ${call}`), { code: 'EIO' })
      })
      await expect(writeFileDurably(path, Buffer.from('new'), { disk })).rejects.toThrow('EIO')
      expect(readFileSync(path, 'utf8')).toBe(failing === 'syncDirectory' ? 'new' : 'old')
      expect(readdirSync(dir)).toEqual(['state'])
    },
  )

  it('throws when the folder does not exist', async () => {
    await expect(writeFileDurably(join(dir, 'no', 'state'), Buffer.from('x'))).rejects.toMatchObject({
      code: 'ENOENT',
    })
  })
})

describe('readFileIfPresent()', () => {
  it('gives the content, or null when there is no such file', async () => {
    await writeFileDurably(join(dir, 'state'), Buffer.from('x'))
    expect((await readFileIfPresent(join(dir, 'state')))?.toString()).toBe('x')
    expect(await readFileIfPresent(join(dir, 'other'))).toBeNull()
  })

  it('throws when the file is there and cannot be read', async () => {
    await expect(readFileIfPresent(dir)).rejects.toMatchObject({ code: 'EISDIR' })
  })
})

describe('removeFile()', () => {
  it('passes over a file that is gone already', async () => {
    writeFileSync(join(dir, 'x'), '')
    await removeFile(join(dir, 'x'))
    await removeFile(join(dir, 'x'))
    expect(readdirSync(dir)).toEqual([])
  })
})

describe('removeLeftovers()', () => {
  it('removes what was never finished, and nothing else', async () => {
    for (const name of ['state', 'state.tmp', 'other.tmp', 'tmp', 'a.tmp.old'])
      writeFileSync(join(dir, name), '')
    await removeLeftovers(dir)
    expect(readdirSync(dir).sort()).toEqual(['a.tmp.old', 'state', 'tmp'])
  })
})

describe('replaceFile()', () => {
  it('asks for no flush, and has the old file or the new at every step', async () => {
    const path = join(dir, 'file')
    writeFileSync(path, 'old')
    const calls: string[] = []
    const disk = told((call) => {
      calls.push(call)
      expect(readFileSync(path, 'utf8')).toBe('old')
    })
    await replaceFile(path, Buffer.from('new'), { disk })
    expect(calls).toEqual(['create', 'write', 'close', 'rename'])
    expect(readFileSync(path, 'utf8')).toBe('new')
    expect(readdirSync(dir)).toEqual(['file'])
  })

  it.each(['create', 'write', 'close', 'rename'])(
    'leaves the old file, and no other, when %s fails',
    async (step) => {
      const path = join(dir, 'file')
      writeFileSync(path, 'old')
      const disk = told((call) => {
        if (call === step) throw Object.assign(new Error('EIO: simulated'), { code: 'EIO' })
      })
      await expect(replaceFile(path, Buffer.from('new'), { disk })).rejects.toThrow('EIO')
      expect(readFileSync(path, 'utf8')).toBe('old')
      expect(readdirSync(dir)).toEqual(['file'])
    },
  )
})

describe('nodeAtomicDisk.syncDirectory()', () => {
  it.skipIf(process.platform !== 'linux')(
    'takes a file system that cannot flush folders (EINVAL) for what it is: it counted as a bug, or as a sick disk',
    async () => {
      await nodeAtomicDisk.syncDirectory(dir)
      expect(areFoldersFlushed()).toBe(true)
      await nodeAtomicDisk.syncDirectory('/proc/self')
      expect(areFoldersFlushed()).toBe(false)
    },
  )

  it('rejects for a folder that is not there', async () => {
    await expect(nodeAtomicDisk.syncDirectory(join(dir, 'missing'))).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
