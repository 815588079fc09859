// Words of strangers, wherever a device repeats them: a collector's, a box's, a stick's, the environment's, those of names and
// answers. Nothing of them reaches a terminal or the log but what can be seen, and not much of it.

import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { renderTable } from '../../agent/cli/result-table.ts'
import { carriedText, importedText } from '../../agent/cli/stick-text.ts'
import { traceText } from '../../agent/cli/trace-text.ts'
import { openLog } from '../../agent/platform/log.ts'
import { openLogRing } from '../../agent/platform/log-ring.ts'
import { outcomeOf } from '../../agent/submit/answer.ts'
import type { Answer } from '../../agent/submit/transports/connection.ts'
import { statusOf } from '../../collector/intake/refusal.ts'
import type { BatchId } from '../../tests-spec/protocol/batch.ts'
import { keyIdOf } from '../../tests-spec/protocol/dsse.ts'
import { problemCodes } from '../../tests-spec/protocol/problem-codes.ts'
import { hidden, hostileWords } from '../support/hostile-words.ts'
import { measured } from '../support/measured.ts'
import { connect, handshake, join as joined, query, response } from '../support/observations.ts'
import { sonde, startCollector, temporaryFolder } from '../support/processes.ts'

const { publicKey: collectorKey } = generateKeyPairSync('ed25519')
const key = { collectorKeyId: keyIdOf(collectorKey), collectorKey }
const corpus: readonly (readonly [string, string])[] = [...hostileWords, ['60 kB', 'x'.repeat(60_000)]]
/** What a printed text may have beside letters: line feeds. */
const withoutLines = (text: string) => text.replaceAll('\n', '')

describe.each(corpus)('%s', (_what, words) => {
  it('as code or detail of an answer: a reason is a word that we know', () => {
    for (const code of [words, 'host_example_org_is_blocked', 'x'.repeat(64)]) {
      const body = Buffer.from(JSON.stringify({ code, detail: words }))
      const answer = { status: 403, body, retryAfterMs: null } as Answer
      expect(outcomeOf(answer, 'f'.repeat(64) as BatchId, key)).toMatchObject({ reason: 'status_403' })
    }
  })

  it('in any field of a line of the log, on disk and on a terminal', () => {
    const folder = temporaryFolder('log')
    const ring = openLogRing(folder)
    const lines: string[] = []
    const log = openLog(
      ring,
      (line) => lines.push(line),
      () => 0,
    )
    log.error('S3903', { error: words, [words]: 1, nested: { list: [words] } })
    ring.close()
    for (const text of [readFileSync(join(folder, 'sonde.ndjson'), 'utf8'), ...lines]) {
      expect(withoutLines(text)).not.toMatch(hidden)
      expect(text.split('\n').length).toBeLessThanOrEqual(2)
      expect(text.length).toBeLessThan(5_000)
    }
  })

  it('as the name of a file, in what is said of a stick', () => {
    const lists = { taken: [], noRoom: [words], gaveUp: [], passedOver: Array(500).fill(words), written: [] }
    const carried = carriedText({ ...lists, known: 0, own: 0, receipts: 0, waiting: 0 }, '/s')
    const none = { forgotten: [], known: 0, foreign: 0, removed: [words], pending: 0 }
    const refused = [{ batch: 'f'.repeat(64) as BatchId, code: words }]
    const imported = importedText({ ...none, unreadable: [words], refused }, '/s')
    for (const text of [carried, imported]) {
      expect(withoutLines(text)).not.toMatch(hidden)
      expect(text.length).toBeLessThan(20_000)
    }
    expect(carried.trimEnd().split('\n')).toHaveLength(3)
  })

  it('in names, answers, certificates, redirects and entries, in table and trace', () => {
    const {
      queries: [asked],
      tls_handshakes: [shaken],
    } = joined(query([words], { hostname: words }), handshake(null))
    if (asked === undefined || shaken === undefined) throw new Error('No observations')
    const failure = `unknown_failure: ${words}` as const
    const seen = joined(
      { queries: [asked, { ...asked, failure, resolver_address: words }] },
      connect(null, { ip: words }),
      {
        tls_handshakes: [{ ...shaken, server_name: words, negotiated_protocol: words, cipher_suite: words }],
      },
      response(200),
    )
    const verdict = { verdict: 'ok', rule: words, step: 'resolve', how: words, because: [] } as const
    const parts = { [words]: verdict }
    const all = [measured(seen, { input: words, verdict: verdict as never, parts: parts as never })]
    for (const columns of [40, 80, 200]) {
      for (const text of [
        renderTable(all, columns, false),
        ...all.map((each) => traceText(each, columns, false)),
      ]) {
        expect(withoutLines(text)).not.toMatch(hidden)
        expect(text.length).toBeLessThan(12_000)
      }
    }
  })
})

it('every code of the collector is one that a log may repeat', () => {
  expect(Object.keys(statusOf).filter((code) => !problemCodes.has(code))).toEqual([])
})

// The kernel takes no zero bytes in arguments and names, and Node.js no halves of surrogates.
const spoken = hostileWords.map(([, text]) => text).filter((text) => !/\0|\p{Cs}/u.test(text))

describe('the built agent', () => {
  it('repeats no argument and no variable as it is', async () => {
    const all = spoken.join(' ')
    const state = temporaryFolder('agent')
    const runs = await Promise.all([
      sonde(['status', all]),
      sonde([all]),
      sonde(['status', `--${all}`]),
      sonde(['status', '--state', join(state, all.replaceAll('/', ''))]),
      sonde(['once', all]),
      sonde(['once', '--state', state], { SONDE_PROBE_CC: all, [`SONDE_${all}`]: all, SONDE_SCHEDULE: all }),
      sonde(['verify', '--key', all, all]),
      sonde(['export', all, '--state', state]),
    ])
    for (const { code, out, err } of runs) {
      expect(code).toBeGreaterThan(0)
      expect(withoutLines(out + err)).not.toMatch(hidden)
    }
  })

  it('repeats nothing of what answers in place of a collector in full', async () => {
    const words = hostileWords.map(([, text]) => text).join(' ')
    const server = createServer((_request, answer) => {
      answer.writeHead(403, { 'content-type': 'application/problem+json' })
      answer.end(JSON.stringify({ code: 'host_example_org', detail: words + 'x'.repeat(60_000) }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    onTestFinished(() => {
      server.close()
    })
    const collector = await startCollector()
    const token = await collector.token()
    await collector.stop()
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { code, err } = await sonde(['enrol', url, token, '--state', temporaryFolder('agent')])
    expect([code, err]).toEqual([69, expect.stringContaining('The collector refused (status_403: ')])
    expect(withoutLines(err)).not.toMatch(hidden)
    expect(err.length).toBeLessThan(3_000)
  })

  it('carries from a stick whose files have any names', async () => {
    const state = temporaryFolder('agent')
    const collector = await startCollector()
    await sonde(['enrol', collector.url, await collector.token(), '--state', state])
    await collector.stop()
    const stick = temporaryFolder('stick')
    for (const [index, text] of spoken.entries())
      writeFileSync(join(stick, `${text.replaceAll('/', '')}${index}.age`), 'no sealed file')
    for (const more of [[], ['--json']]) {
      const { code, out, err } = await sonde(['carry', stick, '--state', state, ...more])
      expect([code, err]).toEqual([0, ''])
      expect(withoutLines(out)).not.toMatch(hidden)
    }
    const { passedOver } = JSON.parse((await sonde(['carry', stick, '--state', state, '--json'])).out)
    expect(passedOver).toHaveLength(spoken.length)
    expect(passedOver.join()).toContain('\u001b[31m')
  })
})
