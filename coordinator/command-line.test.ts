// The built program, as a coordinator types it.

import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { root } from '../test/support/source-tree.ts'

const folder = mkdtempSync(join(tmpdir(), 'sonde-coordinator-'))
afterAll(() => rmSync(folder, { recursive: true }))
const program = join(root, 'dist', 'sonde-coordinator.mjs')
const head = 'url,category_code,category_description,date_added,source,notes'

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

function say(...argv: string[]): Promise<{ code: number | string; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...argv], (error, out, err) =>
      resolve({ code: error?.code ?? 0, out, err }),
    )
  })
}

describe('sonde-coordinator lint', () => {
  it('says what is wrong, where, and ends with 1', async () => {
    const path = file('bad.csv', `${head}\nhttps://127.1/,NEWS,,,me,\nhttps://a.ml/,NEWS,,,me,\n`)
    const { code, out } = await say('lint', path)
    expect(code).toBe(1)
    expect(out).toContain(`${path}:2: error: private_host`)
    expect(out).toContain('2 rows: 1 errors, 1 warnings.')
  })

  it('ends with 0 for warnings alone, and says the same to programs', async () => {
    const { code, out } = await say('lint', join(root, 'tests-spec/lists/mali.csv'), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ errors: 0, warnings: 1, findings: [{ code: 'clear_text' }] })
  })

  it.each([
    ['a file that is not there', () => join(folder, 'gone.csv'), 66, 'not_readable'],
    ['a folder', () => folder, 66, 'not_readable'],
    ['what is not in UTF-8', latin1, 65, 'bad_list'],
    ['what has no columns', () => file('none.csv', 'https://a.ml/\n'), 65, 'bad_list'],
  ])('refuses %s in words', async (_, path, code, name) => {
    const said = await say('lint', path())
    expect(said).toMatchObject({ code, out: '' })
    expect(said.err).toContain(`[${name}]`)
  })
})

function latin1(): string {
  const path = join(folder, 'latin1.csv')
  writeFileSync(path, Buffer.from('url,category_code\nhttps://a.ml/,\xe9\n', 'latin1'))
  return path
}

describe('sonde-coordinator import', () => {
  const theirs = [
    head,
    'http://a.ml/,NEWS,News Media,2014-04-15,citizenlab,',
    'https://b.ml/,GMB,Gambling,2014-04-15,citizenlab,',
    'https://127.0.0.1/,NEWS,News Media,2014-04-15,,',
    '',
  ].join('\n')

  it('keeps what may go to devices, with where it is from', async () => {
    const [path, out] = [file('ml.csv', theirs), join(folder, 'out.csv')]
    const said = await say('import', path, '--out', out, '--json')
    expect(JSON.parse(said.out)).toEqual({ rows: 3, taken: 1, leftOut: { consent: 1, private_host: 1 } })
    expect(readFileSync(out, 'utf8')).toBe(
      `${head}\nhttp://a.ml/,NEWS,News Media,2014-04-15,"citizenlab; Citizen Lab and contributors, CC BY-NC-SA 4.0",\n`,
    )
    const again = await say('import', path, '--out', out)
    expect([again.code, again.err.includes('[output_exists]')]).toEqual([73, true])
  })

  it('keeps what needs consent where it is told to', async () => {
    const out = join(folder, 'all.csv')
    await say('import', file('ml.csv', theirs), '--out', out, '--with-consent')
    expect(readFileSync(out, 'utf8')).toContain('https://b.ml/,GMB')
  })

  it('makes nothing of what is no list', async () => {
    const out = join(folder, 'nothing.csv')
    expect((await say('import', folder, '--out', out)).code).toBe(66)
    expect(existsSync(out)).toBe(false)
  })
})
