// An agent that has made many checks takes no more memory than one that has made a few: the built agent measures ten thousand
// times a site whose chain is as heavy as real ones, on each Node.js there is. getPeerX509Certificate() used to cost 5 to 10 kB a
// handshake for good (docs/node-leak.md). In the deep run: it takes minutes; sent-chain.test.ts counts what costs, in moments.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createServer } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { installedNodes } from '../../build/nodes.ts'
import { v8Flags } from '../../build/v8-flags.ts'
import { makeAuthority } from '../support/certificates.ts'
import { agentBundle, cleanEnvironment, temporaryFolder } from '../support/processes.ts'

const deep = process.env.SONDE_DEEP !== undefined
/** Checks after which memory is read the first time: what is kept once has been made by then. */
const settled = 2_000
const checks = 10_000

const folder = temporaryFolder('long-life')
const root = makeAuthority()
const middle = root.subordinate().subordinate().subordinate()
const names = Array.from({ length: 14 }, (_, i) => `${'x'.repeat(50)}${i}.test`)
const site = createServer(middle.issue({ names: ['127.0.0.1', 'localhost', ...names] }), (socket) => {
  socket.on('error', () => {})
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok'))
})

beforeAll(async () => {
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
})

afterAll(() => {
  site.close()
  rmSync(folder, { recursive: true })
})

function write(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

/** @returns Resident MiB of the process. */
function residentMiB(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) / 1024
}

describe.skipIf(!deep).each(installedNodes())('an agent on Node $major', ({ major, path }) => {
  it(`grows by no more than 1 MiB in each 1,000 of ${checks} checks`, async () => {
    const { port } = site.address() as AddressInfo
    const entries = Array.from({ length: checks }, (_, i) => ({
      nettest: 'web_connectivity',
      input: `https://localhost:${port}/${i}`,
      category_code: 'MISC',
    }))
    const list = { name: 'long', version: 1, entries, controls: [], resolvers: [] }
    const config = write(`${major}.json`, {
      lab: true,
      concurrency: 4,
      repeat_after_seconds: 0,
      test_list: write('list.json', list),
      extra_ca: [write('root.pem', root.caPem)],
    })
    const state = join(folder, major)
    const args = [...v8Flags, agentBundle, 'once', '--json', '--state', state, '--config', config]
    const child = spawn(path, args, { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    const seen: number[] = []
    let lines = 0
    for await (const line of createInterface({ input: child.stdout })) {
      lines += 1
      if (lines === 1) expect(JSON.parse(line).test_keys.tls_handshakes[0].peer_certificates).toHaveLength(4)
      if (lines === settled || lines === checks - 50) seen.push(residentMiB(child.pid ?? 0))
    }
    expect(await ended).toEqual([0, null])
    const [before = 0, after = 0] = seen
    process.stdout.write(
      `Node ${major}: ${before.toFixed(1)} MiB at ${settled}, ${after.toFixed(1)} at ${checks}\n`,
    )
    expect(after - before).toBeLessThan((checks - settled) / 1_000)
  }, 900_000)
})
