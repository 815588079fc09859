// From the key ceremony to what a collector publishes: the built programs.

import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningCollector } from '../../test/support/processes.ts'
import { SampleCoordinator } from '../../test/support/sample-coordinator.ts'
import { readOneFile } from '../../tests-spec/lists/tuf/one-file.ts'

const laptop = new SampleCoordinator()
let collector: RunningCollector
beforeAll(async () => {
  expect(await laptop.init('bamako', 'kayes')).toMatchObject({ code: 0 })
  collector = await laptop.startCollector()
}, 60_000)
afterAll(() => collector?.stop())

async function published(role: string, version: number): Promise<unknown> {
  const response = await fetch(`${collector.url}/v1/lists/metadata/${version}.${role}.json`)
  return response.ok ? response.json() : null
}

const one = () => laptop.list('one.csv', [['https://a.ml/', 'NEWS']])
const risky = () =>
  laptop.list('risky.csv', [
    ['https://a.ml/', 'NEWS'],
    ['https://b.ml/', 'HUMR'],
    ['https://c.ml/', 'GMB'],
  ])

describe('init', () => {
  it('makes keys that are sealed and a root that names them, and tells the digest', async () => {
    const fresh = new SampleCoordinator()
    const { code, out } = await fresh.sign(
      'init',
      ...['--lists-keys', fresh.listsKeys, '--work-factor', '10', '--group', 'gao', '--json'],
    )
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual({
      dir: fresh.dir,
      root_sha256: fresh.rootDigest,
      groups: ['gao'],
      keys: ['offline-1', 'offline-2', 'offline-3', 'gao'],
      sheets: [],
    })
    expect(readdirSync(fresh.home).sort()).toEqual(['lists', 'passphrase'])
    const key = readFileSync(join(fresh.dir, 'keys', 'gao.json'), 'utf8')
    expect(key).toContain('BEGIN AGE ENCRYPTED FILE')
    expect(key).not.toContain('PRIVATE')
    const { roles } = JSON.parse(readFileSync(join(fresh.dir, '1.root.json'), 'utf8')).signed
    expect(roles).toMatchObject({ root: { threshold: 2 }, targets: { threshold: 2 } })
    expect(roles.root.keyids).toHaveLength(3)
  })

  it('writes over nothing', async () => {
    const { code, err } = await laptop.init('bamako')
    expect([code, err.includes('[workspace_exists]')]).toEqual([73, true])
  })

  it.each([
    ['a word that is none', ['--lists-keys', 'sonde-lists1-x'], 65, 'bad_lists_keys'],
    ['a name that is a role', ['--group', 'targets'], 64, 'bad_usage'],
  ])('refuses %s, with nothing made', async (_, argv, code, name) => {
    const fresh = new SampleCoordinator()
    const keys = argv.includes('--lists-keys') ? [] : ['--lists-keys', fresh.listsKeys]
    const said = await fresh.sign('init', ...keys, ...argv)
    expect([said.code, said.err.includes(`[${name}]`), existsSync(fresh.dir)]).toEqual([code, true, false])
  })

  it('refuses a passphrase that can be guessed', async () => {
    const fresh = new SampleCoordinator()
    writeFileSync(fresh.passphraseFile, 'short\n')
    const { code, err } = await fresh.init('gao')
    expect([code, err.includes('[weak_passphrase]')]).toEqual([77, true])
  })
})

describe('recover', () => {
  it('takes a key back from its sheet, and says which line was not typed right', async () => {
    const fresh = new SampleCoordinator()
    const sheets = join(fresh.home, 'sheets')
    const keys = ['--lists-keys', fresh.listsKeys, '--work-factor', '10']
    await fresh.sign('init', ...keys, '--group', 'gao', '--sheets', sheets)
    const [path, sheet] = [join(fresh.dir, 'keys', 'gao.json'), join(sheets, 'gao.txt')]
    const { public: before } = JSON.parse(readFileSync(path, 'utf8'))
    rmSync(path)
    const recover = (file: string, name = 'gao') =>
      fresh.say(
        ...['recover', '--key', name, '--sheet', file, '--work-factor', '10'],
        ...['--passphrase-file', fresh.passphraseFile],
      )
    const text = readFileSync(sheet, 'utf8')
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    const slip = text.replace(/(2: {2})(.)/, (_, mark, digit) => `${mark}${digit === 'a' ? 'b' : 'a'}`)
    expect((await recover(fresh.file('slip.txt', slip))).err).toContain('Line 2 was not typed right')
    expect((await recover(fresh.file('none.txt', 'x'))).code).toBe(65)
    expect(await recover(sheet, 'kayes')).toMatchObject({ code: 77 })
    expect(await recover(sheet)).toMatchObject({ code: 0, err: '' })
    expect(JSON.parse(readFileSync(path, 'utf8')).public).toBe(before)
    expect((await recover(sheet)).code).toBe(73)
  })
})

describe('publish and push', () => {
  it('bring the first lists, and then what a group measures, and show what it changes and costs', async () => {
    const first = await laptop.say('publish', '--to', collector.url)
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toContain('bamako 1')

    const pushed = await laptop.sign('push', one(), '--group', 'bamako')
    expect(pushed.out).toContain(`Version 2 of the list of bamako is out at ${collector.url}`)
    expect(pushed.err).toContain('+1 target')
    expect(await published('bamako', 2)).toMatchObject({
      signed: { targets: { 'groups/bamako/list.json': {} } },
    })

    const more = await laptop.sign('push', risky(), '--group', 'bamako', '--json')
    expect(JSON.parse(more.out)).toMatchObject({
      version: 3,
      added: ['https://b.ml/', 'https://c.ml/'],
      removed: [],
      left_out: { no_consent: 1 },
      bytes_a_day: { least: 96 * 7_200 },
    })
    expect(more.err).toContain('1 entry needs consent')
    expect(more.err).toMatch(/\+21 – \+71 MB a month/)

    const again = await laptop.sign('push', risky(), '--group', 'bamako')
    expect(again).toMatchObject({ code: 0 })
    expect(again.out).toContain('nothing to do')
    expect(await published('bamako', 4)).toBeNull()
  })

  it('reads what spreadsheets make, and JSON as devices get it', async () => {
    const excel = laptop.file('excel.csv', '\uFEFFcategory_code;url;source\r\nNEWS;https://a.ml/;us\r\n\r\n')
    expect((await laptop.sign('push', excel, '--group', 'kayes')).out).toContain('Version 2')
    const list = { v: 1, name: 'kayes', entries: [], campaigns: [] }
    const json = laptop.file('kayes.json', JSON.stringify(list))
    expect((await laptop.sign('push', json, '--group', 'kayes')).out).toContain('Version 3')
    const foreign = await laptop.sign('push', json, '--group', 'bamako')
    expect([foreign.code, foreign.err.includes('[bad_list]')]).toEqual([65, true])
  })

  it('asks for no key where a diff is enough, and changes nothing', async () => {
    const { code, out } = await laptop.say('diff', one(), '--group', 'bamako')
    expect(code).toBe(0)
    expect(out).toContain('version 3 is out')
    expect(out).toContain('- https://b.ml/')
    expect(await published('bamako', 4)).toBeNull()
  })

  it('withdraw takes targets out, and the list', async () => {
    const gone = await laptop.sign('withdraw', 'https://b.ml', '--group', 'bamako', '--json')
    expect(JSON.parse(gone.out)).toMatchObject({ version: 4, removed: ['https://b.ml/'] })
    expect((await laptop.sign('withdraw', 'https://x.ml/', '--group', 'bamako')).code).toBe(65)
    const all = await laptop.sign('withdraw', '--all', '--group', 'bamako')
    expect(all.out).toContain('is withdrawn (version 5)')
    expect(await published('bamako', 5)).toMatchObject({ signed: { targets: {} } })
  })

  it('publish brings what is out to a folder and to one file', async () => {
    const [mirror, file] = [join(laptop.home, 'mirror'), join(laptop.home, 'lists.slr')]
    expect(await laptop.say('publish', '--to', mirror)).toMatchObject({ code: 0, err: '' })
    expect(await laptop.say('publish', '--to', file)).toMatchObject({ code: 0, err: '' })
    const files = readOneFile(readFileSync(file))
    for (const [name, bytes] of files) expect(readFileSync(join(mirror, name))).toEqual(Buffer.from(bytes))
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['metadata/1.root.json', 'metadata/timestamp.json', 'metadata/5.bamako.json']),
    )
  })
})

describe('what a coordinator can do something about', () => {
  it.each([
    ['no network', ['--collector', 'http://127.0.0.1:9'], 69, 'unreachable'],
    ['a group that nobody made', ['--group', 'gao'], 66, 'no_group'],
    ['another server', () => ['--collector', `${collector.url}/elsewhere`], 76, 'odd_answer'],
  ])('%s', async (_, argv, code, name) => {
    const further = typeof argv === 'function' ? argv() : argv
    const group = further.includes('--group') ? [] : ['--group', 'bamako']
    const said = await laptop.sign('push', one(), ...group, ...further)
    expect([said.code, said.err.match(/\[(\w+)\]/)?.[1]]).toEqual([code, name])
  })

  it('a list with errors, before anything is asked of the network', async () => {
    const bad = laptop.list('bad.csv', [['https://127.1/', 'NEWS']])
    const said = await laptop.sign('push', bad, '--group', 'bamako', '--collector', 'http://127.0.0.1:9')
    expect([said.code, said.err.includes('[list_errors]')]).toEqual([1, true])
  })

  it('a wrong passphrase, and a key that is not here', async () => {
    const wrong = laptop.file('wrong', 'another one altogether\n')
    const argv = ['push', one(), '--group', 'bamako', '--yes', '--passphrase-file', wrong]
    expect((await laptop.say(...argv)).err).toContain('[wrong_passphrase]')
    const [path, away] = [join(laptop.dir, 'keys', 'bamako.json'), join(laptop.home, 'away.json')]
    renameSync(path, away)
    expect((await laptop.say(...argv)).err).toContain('[no_key]')
    renameSync(away, path)
  })

  it('nobody to ask', async () => {
    const said = await laptop.say('push', one(), '--group', 'bamako')
    expect([said.code, said.err.includes('[no_terminal]')]).toEqual([64, true])
  })

  it('another root of trust, in French', async () => {
    const stranger = new SampleCoordinator()
    await stranger.init('bamako')
    const argv = ['push', stranger.list('l.csv', [['https://a.ml/', 'NEWS']]), '--group', 'bamako']
    const said = await stranger.sign(...argv, '--collector', collector.url, '--lang', 'fr')
    expect(said.code).toBe(76)
    expect(said.err).toContain("n'est pas digne de confiance")
  })
})
