// The pages of the nettests and their schemas, held to each other: a key that stands in one stands in the other. And the
// schemas refuse what they should.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { judging } from '../../test/support/judge.ts'
import { faultsOf } from '../../test/support/kept.ts'
import { measured } from '../../test/support/measured.ts'
import { connect, handshake, join, query, response } from '../../test/support/observations.ts'
import type { Measurement } from '../data-formats/measurement.ts'
import { testKeys } from '../data-formats/measurement.ts'
import * as observation from '../data-formats/observation.ts'
import { ownTestKeys } from './test-keys.ts'
import { whatsapp as spec } from './whatsapp.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const pageOf = (nettest: string) => readFileSync(`${here}${nettest.replaceAll('_', '-')}.md`, 'utf8')

/** What stands in backticks in the first column of the tables of a section. */
function firstColumn(page: string, section: string): string[] {
  const [, text = ''] = page.split(new RegExp(`^## ${section}\n`, 'm'))
  const rows = (text.split(/^## /m)[0] ?? '').split('\n').filter((line) => line.startsWith('| '))
  return rows.flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, key = '']) => key),
  )
}

/** A word in capitals stands for one of several: `KIND_total`. */
const asPattern = (key: string) => new RegExp(`^${key.replaceAll(/[A-Z]+/g, '[a-z0-9_]+')}$`)

/** What one has and the other lacks. */
function disagreements(page: readonly string[], schema: readonly string[]): string[] {
  const named = page.map((key) => ({ key, pattern: asPattern(key) }))
  return [
    ...schema
      .filter((key) => named.filter(({ pattern }) => pattern.test(key)).length !== 1)
      .map((key) => `${key} is not named once in the page`),
    ...named
      .filter(({ pattern }) => !schema.some((key) => pattern.test(key)))
      .map(({ key }) => `${key} is in no schema`),
  ]
}

describe('the page of each nettest', () => {
  it.each(Object.entries(ownTestKeys))('names the keys of %s, and no others', (nettest, entries) => {
    expect(disagreements(firstColumn(pageOf(nettest), 'test_keys'), Object.keys(entries))).toEqual([])
  })

  it('is there for every schema, and a schema for every page', () => {
    const pages = readdirSync(here).filter(
      (file) => file.endsWith('.md') && !['verdict.md', 'patience.md', 'http-response.md'].includes(file),
    )
    expect(pages.map((file) => file.replace('.md', '').replaceAll('-', '_')).sort()).toEqual(
      Object.keys(ownTestKeys).sort(),
    )
  })

  it.each([
    ['a key of the page that is in no schema', ['a', 'b'], ['a']],
    ['a key of the schema that is not in the page', ['a'], ['a', 'b']],
    ['a pattern that fits nothing', ['KIND_total'], ['totals']],
    ['a key that is named twice', ['a_total', 'KIND_total'], ['a_total']],
  ])('is held to it: %s', (_, page, schema) => {
    expect(disagreements(page, schema)).not.toEqual([])
  })
})

it('the page of measurements names every key that each has in its test_keys', () => {
  const page = readFileSync(`${here}../data-formats/measurement.md`, 'utf8')
  const keys = Object.keys(testKeys.entries).filter((key) => key.startsWith('x_sonde_'))
  // `…_received` behind its twin.
  const lacking = keys.filter((key) => !page.includes(`\`test_keys.${key}\``) && !key.endsWith('_received'))
  expect(lacking).toEqual([])
})

it('the page of observations names every field of our own, and where it stands', () => {
  const page = readFileSync(`${here}../data-formats/observation.md`, 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| `x_sonde_'))
  const lists = {
    queries: observation.dnsQuery.entries,
    answers: observation.dnsAnswer.entries,
    tcp_connect: observation.tcpConnect.entries,
    tls_handshakes: observation.tlsHandshake.entries,
    requests: { ...observation.httpRequest.entries, ...observation.httpRequest.entries.response.entries },
    pings: observation.quicPing.entries,
    x_sonde_stun_bindings: observation.stunBinding.entries,
  }
  const inPage = rows.flatMap((row) => {
    const [, fields = '', where = ''] = row.split('|')
    const names = [...fields.matchAll(/`([^`]+)`/g)].map(([, name]) => name)
    return where.split(',').flatMap((list) => names.map((name) => `${list.trim()} ${name}`))
  })
  const inSchemas = Object.entries(lists).flatMap(([list, entries]) =>
    Object.keys(entries).flatMap((key) => (key.startsWith('x_sonde_') ? [`${list} ${key}`] : [])),
  )
  expect(inPage.sort()).toEqual(inSchemas.sort())
})

describe('the schemas of test_keys', () => {
  const seen = join(query(['21.0.0.10']), connect(null), handshake(null), response(200))
  const { keys, verdict, parts } = judging(spec)(seen)
  const whatsapp = measured(seen, { name: 'whatsapp', input: null, keys, verdict, parts })
  const changed = (change: object): Measurement => ({
    ...whatsapp,
    test_keys: { ...whatsapp.test_keys, ...change },
  })

  it('take what the rules make', () => {
    expect(faultsOf(whatsapp)).toEqual([])
  })

  it.each([
    ['a key is missing', { whatsapp_web_status: undefined }],
    ['a key is of another type', { whatsapp_endpoints_blocked: 'e1.whatsapp.net' }],
    ['a word is none of OONI', { whatsapp_web_status: 'censored' }],
    ['a failure is none of the list', { whatsapp_web_failure: 'blocked' }],
    ['a part is none of the service', { x_sonde_parts: { calls: verdict } }],
    ['a part is no verdict', { x_sonde_parts: { web: 'ok' } }],
    ['a key is in no schema', { x_sonde_guess: true }],
    ['an earlier failure has no time', { x_sonde_earlier: { step: 'connect', how: 'connection_reset' } }],
    ['a query lacks its tags', { queries: [{ ...seen.queries[0], tags: undefined }] }],
    ['bytes are negative', { requests: [{ ...seen.requests[0], x_sonde_bytes_sent: -1 }] }],
  ])('refuse a measurement of which %s', (_, change) => {
    expect(faultsOf(changed(change))).not.toEqual([])
  })

  it('refuse a nettest that has none', () => {
    expect(faultsOf({ ...whatsapp, test_name: 'unheard_of' })).not.toEqual([])
  })
})
