// Real files in a folder of their own. The tests cannot show what a power cut does; they show that nothing half
// written stays.

import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDurably, makeFolder, writeDurably } from './durable-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sonde-durable-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('writeDurably()', () => {
  it('puts a file there for its owner alone, and another in its place', async () => {
    const path = join(folder, 'a.json')
    await writeDurably(path, Buffer.from('one'))
    await writeDurably(path, Buffer.from('two'))
    expect(await readFile(path, 'utf8')).toBe('two')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['a.json'])
  })

  it('leaves nothing behind when the file cannot have its name', async () => {
    const path = join(folder, 'taken')
    await mkdir(path)
    await expect(writeDurably(path, Buffer.from('x'))).rejects.toMatchObject({ code: 'EISDIR' })
    expect(await readdir(folder)).toEqual(['taken'])
  })
})

describe('createDurably()', () => {
  it('lets exactly one of many at once make the file', async () => {
    const path = join(folder, 'key')
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) => createDurably(path, Buffer.from(`${i}`))),
    )
    expect(made.filter(Boolean)).toHaveLength(1)
    expect(await readFile(path, 'utf8')).toBe(String(made.indexOf(true)))
    expect(await readdir(folder)).toEqual(['key'])
  })
})

describe('makeFolder()', () => {
  it('makes the folders above as well, and does not mind one that is there', async () => {
    const path = join(folder, 'a', 'b', 'c')
    await makeFolder(path)
    await makeFolder(path)
    expect((await stat(path)).mode & 0o777).toBe(0o700)
  })
})
