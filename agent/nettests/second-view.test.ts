// A second look from outside: about the hop where a redirect led, and by another helper, only where the first does not settle it.

import http from 'node:http'
import { describe, expect, it } from 'vitest'
import { measureKept } from '../../test/support/kept.ts'
import { closedPort, serveWith } from '../../test/support/loopback.ts'
import { makeContext } from '../../test/support/nettest-context.ts'
import { sampleHelper } from '../../test/support/sample-helper.ts'
import { webConnectivity } from './web-connectivity.ts'

async function site(answer: (response: http.ServerResponse) => void): Promise<string> {
  const { port } = await serveWith(http.createServer((_request, response) => answer(response)))
  return `http://127.0.0.1:${port}/`
}

const measure = (url: string, ...helpers: readonly { readonly url: string }[]) =>
  measureKept(webConnectivity, makeContext({ helpers: helpers.map((each) => each.url) }), url)

describe('withSecondView()', () => {
  it('asks another helper where the first fails at the target too, and lets that one decide', async () => {
    const { port } = await closedPort()
    const [blind, seeing] = [await sampleHelper(false), await sampleHelper(true)]
    const { seen, keys, verdict } = await measure(`http://127.0.0.1:${port}/`, blind, seeing)
    expect(keys).toMatchObject({ control: { http_request: { status_code: -1 } }, blocking: false })
    expect(seen.observations).toMatchObject({
      x_sonde_second_control: { helper: seeing.url, control: { http_request: { status_code: 200 } } },
    })
    expect(verdict).toMatchObject({ verdict: 'undetermined', step: 'connect' })
    expect(verdict.rule).toContain('/failed_once@')
  })

  it('calls nothing blocked by one helper alone that another one contradicts', async () => {
    const { port } = await closedPort()
    const { verdict } = await measure(
      `http://127.0.0.1:${port}/`,
      await sampleHelper(true),
      await sampleHelper(false),
    )
    expect(verdict.rule).toContain('/no_outside_view@')
  })

  it('asks one helper alone about what was reached', async () => {
    const [first, second] = [await sampleHelper(true, { title: 'The page' }), await sampleHelper(true)]
    const url = await site((response) => response.end('<title>The page</title>'))
    const { seen, verdict } = await measure(url, first, second)
    expect(verdict.verdict).toBe('ok')
    expect(seen.observations).not.toHaveProperty('x_sonde_second_control')
    expect([first.asked.length, second.asked.length]).toEqual([1, 0])
  })

  it("asks another one about a page that is not the first one's", async () => {
    const [first, second] = [
      await sampleHelper(true, { title: 'Something else' }),
      await sampleHelper(true, { title: 'The page' }),
    ]
    const url = await site((response) => response.end('<title>The page</title>'))
    const { verdict } = await measure(url, first, second)
    expect(verdict).toMatchObject({ verdict: 'ok' })
    expect(verdict.rule).toContain('/same_page_outside@')
  })

  it('asks another one about a page in clear text of which the first got none', async () => {
    const [blind, seeing] = [await sampleHelper(false), await sampleHelper(true, { title: 'The page' })]
    const url = await site((response) => response.end('<title>The page</title>'))
    const same = await measure(url, blind, seeing)
    expect(same.verdict.rule).toContain('/same_page_outside@')
    const other = await measure(url, blind, await sampleHelper(true, { title: 'Something else' }))
    expect(other.verdict.rule).toContain('/foreign_page@')
  })

  it('asks about the hop where a redirect led, by its own address', async () => {
    const url = await site((response) => {
      if (response.req.url === '/') response.writeHead(302, { location: '/front' }).end()
      else response.destroy()
    })
    const only = await sampleHelper(true)
    const { seen, verdict } = await measure(url, only)
    expect(only.asked.map((each) => each.http_request)).toEqual([url, `${url}front`])
    expect(only.asked[1]?.tcp_connect).toEqual([new URL(url).host])
    expect(seen.observations).toMatchObject({ x_sonde_control_of_hop: { depth: 1, helper: only.url } })
    expect(verdict.rule).toContain('/failed_once@')
  })

  it('goes on without a second view where the other helper does not answer', async () => {
    const { port } = await closedPort()
    const gone = { url: `http://127.0.0.1:${(await closedPort()).port}/` }
    const { seen, verdict } = await measure(`http://127.0.0.1:${port}/`, await sampleHelper(true), gone)
    expect(seen.observations).not.toHaveProperty('x_sonde_second_control')
    expect(verdict.rule).toContain('/failed_once@')
  })
})
