// The key ceremony and a push in a real terminal: what is asked, what is shown, and that no passphrase is.

import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hasPty, onTerminal, type Turn } from '../../test/support/pty.ts'
import { coordinatorBundle, SampleCoordinator } from '../../test/support/sample-coordinator.ts'

const secret = 'a passphrase typed by hand'

/** Both times. */
const typed = (name: string): Turn[] => [
  { until: `key "${name}": `, type: secret },
  { until: 'again: ', type: secret },
]

describe.skipIf(!hasPty)('in a terminal', () => {
  it('init goes step by step, says what is wrong, and shows no passphrase', async () => {
    const laptop = new SampleCoordinator()
    const argv = [coordinatorBundle, 'init', '--dir', laptop.dir, '--work-factor', '10']
    const { code, seen, left } = await onTerminal(argv, [
      { until: '> ', type: 'sonde-lists1-half' },
      { until: '> ', type: laptop.listsKeys },
      { until: 'no more): ', type: 'Not a name' },
      { until: 'no more): ', type: 'bamako' },
      { until: 'no more): ', type: '' },
      { until: 'key "offline-1": ', type: 'short' },
      { until: 'key "offline-1": ', type: secret },
      { until: 'again: ', type: `${secret} not` },
      ...typed('offline-1'),
      ...typed('offline-2'),
      ...typed('offline-3'),
      ...typed('bamako'),
      { until: '[y/N] ', type: 'y' },
    ])
    expect([code, left]).toEqual([0, 0])
    for (const words of [
      'Step 1 of 4',
      'This is no word that sonde-collector lists-keys prints',
      '"Not a name" cannot be the name of a group',
      'A passphrase has at least 10 characters',
      'The two are not the same',
      laptop.rootDigest,
    ])
      expect(seen).toContain(words)
    expect(seen).not.toContain(secret)
    expect(seen).not.toContain('short')
    expect(existsSync(join(laptop.dir, 'keys', 'bamako.json'))).toBe(true)
  }, 30_000)

  it('a no, a closed terminal and Ctrl-C make nothing', async () => {
    const laptop = new SampleCoordinator()
    const argv = ['init', '--dir', laptop.dir, '--group', 'bamako', '--lists-keys', laptop.listsKeys]
    const passphrase = ['--passphrase-file', laptop.passphraseFile]
    const no = await onTerminal([coordinatorBundle, ...argv, ...passphrase], [{ until: '[y/N] ', type: 'n' }])
    expect([no.code, no.seen.includes('[cancelled]'), existsSync(laptop.dir)]).toEqual([1, true, false])
    for (const key of ['\u0003', '\u0004']) {
      const closed = await onTerminal([coordinatorBundle, ...argv], [{ until: 'offline-1": ', type: key }])
      expect([closed.code, existsSync(laptop.dir)]).toEqual([64, false])
    }
  }, 30_000)

  it('push shows what changes, asks, and wants the passphrase; in French too', async () => {
    const laptop = new SampleCoordinator()
    await laptop.init('bamako')
    const collector = await laptop.startCollector()
    try {
      const list = laptop.list('list.csv', [['https://a.ml/', 'NEWS']])
      const argv = [coordinatorBundle, 'push', list, '--group', 'bamako', '--dir', laptop.dir]
      const first = [...argv, '--collector', collector.url, '--lang', 'fr']
      const passphrase = readFileSync(laptop.passphraseFile, 'utf8').trim()
      const { code, seen, left } = await onTerminal(first, [
        { until: '[o/N] ', type: 'oui' },
        { until: '« bamako » : ', type: passphrase },
      ])
      expect([code, left]).toEqual([0, 0])
      expect(seen).toContain('+1 cible')
      expect(seen).toContain('La version 2 de la liste de bamako est publiée')
      expect(seen).not.toContain(passphrase)
    } finally {
      await collector.stop()
    }
  }, 30_000)

  it('recover takes the lines one by one, and shows none of them', async () => {
    const laptop = new SampleCoordinator()
    const sheets = join(laptop.home, 'sheets')
    const keys = ['--lists-keys', laptop.listsKeys, '--work-factor', '10']
    await laptop.sign('init', ...keys, '--group', 'gao', '--sheets', sheets)
    const lines = [...readFileSync(join(sheets, 'gao.txt'), 'utf8').matchAll(/^ {4}\d: {2}(.*)$/gm)].map(
      ([, line = '']) => line,
    )
    rmSync(join(laptop.dir, 'keys', 'gao.json'))
    const argv = [coordinatorBundle, 'recover', '--dir', laptop.dir, '--work-factor', '10']
    const { code, seen, left } = await onTerminal(argv, [
      { until: 'as on the sheet: ', type: 'gao' },
      { until: 'Line 1: ', type: lines[1] ?? '' },
      ...lines.map((line, i) => ({ until: `Line ${i + 1}: `, type: line })),
      ...typed('gao'),
    ])
    expect([code, left]).toEqual([0, 0])
    expect(seen).toContain('Line 1 was not typed right')
    expect(seen).not.toContain(lines[2])
  }, 30_000)
})
