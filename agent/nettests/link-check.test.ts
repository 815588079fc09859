// The controls against servers on loopback: what is asked, what is written down, and what the link is called.

import http, { type RequestListener } from 'node:http'
import { describe, expect, it } from 'vitest'
import { expectKept } from '../../test/support/kept.ts'
import { closedPort, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { sampleHelper } from '../../test/support/sample-helper.ts'
import { unknownLink } from '../../tests-spec/nettests/verdict.ts'
import { checkLink, type LinkControl } from './link-check.ts'

const at = '2018-07-29T17:43:00.000Z'

/** A server under the name `host`, which the system resolves to 127.0.0.1. */
async function serve(listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  const { port } = await serveWith(http.createServer(listener))
  return `http://${host}:${port}/`
}

const success: RequestListener = (_request, response) => response.end('success')
const to =
  (location: string): RequestListener =>
  (_request, response) =>
    response.writeHead(302, { location }).end()
const neutral = (url: string): LinkControl => ({
  url,
  role: 'neutral',
  expect: { status: 200, body: 'success' },
})
const provider = (url: string): LinkControl => ({ url, role: 'provider', expect: null })
const collector = (url: string): LinkControl => ({ url, role: 'collector', expect: { status: 200 } })

async function check(...controls: readonly LinkControl[]) {
  const checked = await checkLink(makeContext(), controls, unknownLink, at)
  const { verdict, controls: x_sonde_controls } = checked
  expectKept(checked, null, checked, { keys: { x_sonde_controls }, verdict, parts: null })
  return checked
}

describe('checkLink()', () => {
  it('names a bundle that is used up: everyone leads to the shop of the provider', async () => {
    const home = await serve(success, 'localhost')
    const portal = await serve(to(`${home}buy?line=22376000000`))
    const { link, verdict, controls } = await check(neutral(portal), neutral(`${portal}2`), provider(home))
    expect(link).toMatchObject({ state: 'bundle_exhausted', controls_ok: 0, controls: 2 })
    expect(verdict).toMatchObject({ verdict: 'link_down', how: 'bundle_exhausted' })
    expect(controls.map(({ role, result, led_to }) => [role, result, led_to])).toEqual([
      ['neutral', 'other_answer', 'localhost'],
      ['neutral', 'other_answer', 'localhost'],
      ['provider', 'ok', 'localhost'],
    ])
    // What a portal says of the customer is not kept with the control.
    expect(JSON.stringify(controls)).not.toContain('22376000000')
  })

  it('calls the same a captive portal when it is not of the provider, or catches the provider too', async () => {
    const login = await serve(success)
    const portal = await serve(to(login))
    const caught = await serve(to(login), 'localhost')
    const home = await serve(success, 'localhost')
    expect((await check(neutral(portal), neutral(portal), provider(home))).link.state).toBe('captive_portal')
    const all = await check(neutral(portal), neutral(portal), provider(caught))
    expect(all.link.state).toBe('captive_portal')
    expect(all.controls[2]).toMatchObject({ role: 'provider', result: 'other_answer' })
  })

  it('tells a line without a way out from one that leads to the provider only, or to the collector', async () => {
    const { port } = await closedPort()
    const gone = neutral(`http://127.0.0.1:${port}/`)
    const home = provider(await serve(success, 'localhost'))
    const ours = collector(await serve((_request, response) => response.end('{"status":"ok"}')))
    expect((await check(gone, gone)).link.state).toBe('down')
    expect((await check(gone, gone, home)).link.state).toBe('provider_only')
    expect((await check(gone, gone, home, ours)).link.state).toBe('degraded')
  })

  it('takes a link for up whatever befalls the provider and the collector', async () => {
    const { port } = await closedPort()
    const closed = `http://127.0.0.1:${port}/`
    const good = neutral(await serve(success))
    const { link, controls } = await check(good, good, provider(closed), collector(closed))
    expect(link).toMatchObject({ state: 'up', controls_ok: 2, controls: 2 })
    // Nor are they asked: one that is silent would hold up every check.
    expect(controls).toHaveLength(2)
  })

  it('does not call a link down that this machine itself could not ask over', async () => {
    const url = await serve(success)
    // An address of nobody here, as when the modem that had it was pulled.
    const context = makeContext({}, { sources: { ipv4: '192.0.2.77', ipv6: null } })
    const { link, verdict, controls } = await checkLink(
      context,
      [neutral(url), neutral(`${url}2`)],
      unknownLink,
      at,
    )
    expect(controls.map(({ result }) => result)).toEqual(['local_failure', 'local_failure'])
    expect(link).toMatchObject({ state: 'unknown', controls: 0 })
    expect(verdict).toMatchObject({ verdict: 'undetermined', how: 'unknown' })
  })

  it('asks a helper about controls that fail while others do not, and counts without those that fail there too', async () => {
    const good = neutral(await serve(success))
    const moved = neutral(await serve(to('http://127.0.0.1:9/')))
    const controls = [good, { ...good, url: `${good.url}2` }, moved, { ...moved, url: `${moved.url}2` }]
    const helper = await sampleHelper(true, { status_code: 301 })
    const context = makeContext({ helpers: [helper.url] })
    const alone = await checkLink(makeContext(), controls, unknownLink, at)
    expect(alone.link.state).toBe('captive_portal')
    const first = await checkLink(context, controls, unknownLink, at)
    expect(first.link).toMatchObject({ state: 'up', controls_ok: 2, controls: 2 })
    const second = await checkLink(context, controls, first.link, at, first.memory)
    expect(second.link).toMatchObject({ state: 'up', controls_ok: 2, controls: 2 })
    expect(second.controls.map(({ outside }) => outside)).toEqual([
      undefined,
      undefined,
      'fails_too',
      'fails_too',
    ])
    expect(first.bytes.sent).toBeGreaterThan(second.bytes.sent)
    const third = await checkLink(context, controls, second.link, at, second.memory)
    expect(third.link.state).toBe('up')
    expect(helper.asked.map((each) => each.http_request).sort()).toEqual([moved.url, `${moved.url}2`].sort())
    expectKept(third, null, third, {
      keys: { x_sonde_controls: third.controls },
      verdict: third.verdict,
      parts: null,
    })
  })

  it('says the same when only a lookup was tried, since that goes another way', async () => {
    const context = makeContext({}, { sources: { ipv4: null, ipv6: null } })
    const gone = [neutral('http://no.such.name.invalid/'), neutral('http://127.0.0.1:9/')]
    const { link, controls } = await checkLink(context, gone, unknownLink, at)
    expect(controls.map(({ result }) => result)).toEqual(['local_failure', 'local_failure'])
    expect(link.state).toBe('unknown')
  })

  it('calls it down where a closed port answers in the place of each', async () => {
    const { port } = await closedPort()
    const { link } = await check(neutral(`http://127.0.0.1:${port}/`))
    expect(link.state).toBe('down')
  })
})
