// What tells who a host is, or where, fed in from every side that reaches the built agent: a portal's redirects, headers, pages and
// names, a resolver's answers, paths of the machine itself. Nothing of it may be on the disk afterwards, packed or not, nor printed;
// and the log has no hosts.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { currentDictionary, inflateBody } from '../../agent/spool/log/dictionary.ts'
import { scanFrames } from '../../agent/spool/log/frame.ts'
import { agreed } from '../support/agreed.ts'
import { sonde, temporaryFolder } from '../support/processes.ts'
import { runningAgent } from '../support/running-agent.ts'

const cards = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
const ownAddresses = cards.filter(({ internal }) => !internal).map(({ address }) => address)
const told = {
  mac: '3c:5a:b4:0d:9e:71',
  bssid: '00-1F-33-C4-D2-5A',
  ssid: 'Famille-Keita-5G',
  imei: '356938035643809',
  imsi: '610020123456789',
  msisdn: '22376543210',
  latitude: '12.639231',
  longitude: '-8.002889',
}
/** A home that has its owner's name. */
const owner = 'amadou-keita'

let portal: Server
let base: string
beforeAll(async () => {
  portal = createServer((request, response) => {
    const query = Object.entries(told).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    const from = ownAddresses[0] ?? '203.0.113.7'
    const headers = {
      'X-Client-Mac': told.mac,
      'X-Seen': `${told.mac} at ${told.bssid}`,
      'X-SSID': told.ssid,
      'X-IMEI': told.imei,
      'X-Subscriber': told.imsi,
      'X-Msisdn': told.msisdn,
      'X-Geo-Location': `${told.latitude},${told.longitude}`,
      'Set-Cookie': `who=${told.imei}`,
      'X-Forwarded-For': from,
    }
    if (request.url === '/') {
      const path = `/login/${told.mac}/${told.msisdn}/${from}?${query.join('&')}#${told.ssid}`
      return response.writeHead(302, { ...headers, Location: path }).end()
    }
    const text = `<title>${told.msisdn} ${told.mac} ${from}</title>${JSON.stringify(told)} ${from} ${ownAddresses.join(' ')}`
    return response.writeHead(200, { ...headers, 'content-type': 'text/html' }).end(text)
  })
  await new Promise<void>((resolve) => portal.listen(0, '127.0.0.1', resolve))
  base = `http://127.0.0.1:${(portal.address() as AddressInfo).port}/`
})
afterAll(() => portal.close())

function textIn(path: string): string {
  const bytes = readFileSync(path)
  const frames = scanFrames(bytes, 0).frames.map(({ body }) => {
    try {
      return inflateBody(body, currentDictionary).toString('latin1')
    } catch {
      return ''
    }
  })
  return [bytes.toString('latin1'), ...frames].join('\n')
}

const files = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))

it.each(['info', 'warn', 'error'])(
  'nothing of it is kept or printed, at log level %s',
  async (log_level) => {
    const folder = join(temporaryFolder('told'), owner)
    const state = join(folder, 'state')
    mkdirSync(state, { recursive: true })
    const entries = [{ nettest: 'web_connectivity', input: base, category_code: 'MISC' }]
    const list = {
      name: 'own',
      version: 1,
      entries,
      controls: [{ url: base, expect: { status: 204 } }],
      resolvers: [],
    }
    writeFileSync(join(folder, 'list.json'), JSON.stringify(list))
    const config = {
      ...agreed,
      lab: true,
      test_list: join(folder, 'list.json'),
      repeat_after_seconds: 0,
      log_level,
    }
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    // What the disk refuses is logged: this file cannot be replaced by another, nor what is in its place be set aside.
    for (const end of ['', ...Array.from({ length: 9 }, (_, n) => `.in-the-way${n === 0 ? '' : `-${n}`}`)])
      mkdirSync(join(state, `memory.json${end}`, 'in-it'), { recursive: true })
    const further = ['--config', join(folder, 'config.json')]
    const once = await sonde(['once', '--json', '--state', state, ...further])
    expect([once.code, once.out]).toEqual([0, expect.stringContaining('[scrubbed]')])
    const agent = runningAgent(state, further)
    await agent.says('S3903')
    await agent.stop()

    const kept = files(state).map((path) => [path, textIn(path)] as const)
    // It is seen that this test finds what is there.
    expect(kept.some(([, text]) => text.includes(base))).toBe(true)
    const secrets = [...Object.values(told), ...ownAddresses, owner]
    for (const [path, text] of [
      ...kept,
      ['stdout', once.out],
      ['stderr', once.err],
      ['log', agent.lines.join('\n')],
    ] as const)
      for (const secret of secrets)
        expect(text.toLowerCase().includes(secret.toLowerCase()), `${secret} in ${path}`).toBe(false)
    for (const [path, text] of kept.filter(([path]) => path.includes('/log/')))
      expect(text, path).not.toMatch(/https?:|127\.0\.0\.1|\/login|home|tmp/)
  },
  60_000,
)
