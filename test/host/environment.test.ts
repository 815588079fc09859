// Variables and options of the host that were set for another program must not change whom the agent believes: a box on the
// way, with a root of its own, gets no enrolment, no token and no batch, and is named while measuring. The built agent, with
// each of them.

import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { modernNode } from '../../build/modern-node.ts'
import { installedNodes } from '../../build/nodes.ts'
import { makeAuthority } from '../support/certificates.ts'
import {
  agentBundle,
  type RunningCollector,
  runToEnd,
  startCollector,
  temporaryFolder,
} from '../support/processes.ts'

const folder = temporaryFolder('environment')
const at = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const boxRoot = makeAuthority()
const root = at('box.pem', boxRoot.caPem)
const openssl = at(
  'openssl.cnf',
  `nodejs_conf = all\nopenssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = any\n[any]\nVerifyCAFile = ${root}\nVerifyMode = None\nCipherString = ALL:aNULL:eNULL:@SECLEVEL=0\nMinProtocol = TLSv1\n`,
)

interface Row {
  readonly what: string
  readonly env: Readonly<Record<string, string>>
  /** First version of Node.js that does not refuse the option. */
  readonly since?: number
  /** Tried in the deep run alone: it never made a difference. */
  readonly rare?: true
  /** Tried on each version there is, in every run: that is how an agent was misled. */
  readonly everywhere?: true
}

const rows: readonly Row[] = [
  { what: 'nothing', env: {} },
  { what: 'no verification', env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, everywhere: true },
  { what: 'a root of another program', env: { NODE_EXTRA_CA_CERTS: root }, everywhere: true },
  { what: "OpenSSL's roots", env: { NODE_OPTIONS: '--use-openssl-ca', SSL_CERT_FILE: root } },
  {
    what: "the system's roots",
    env: { NODE_OPTIONS: '--use-system-ca', NODE_USE_SYSTEM_CA: '1', SSL_CERT_FILE: root },
    since: 24,
  },
  { what: 'a configuration of OpenSSL', env: { OPENSSL_CONF: openssl }, rare: true },
  {
    what: 'the same as an option, shared',
    env: { NODE_OPTIONS: `--openssl-config=${openssl} --openssl-shared-config` },
    rare: true,
  },
  {
    what: 'old versions and ciphers without a certificate',
    env: { NODE_OPTIONS: '--tls-min-v1.0 --tls-max-v1.2 --tls-cipher-list=ALL:aNULL:eNULL:@SECLEVEL=0' },
  },
  {
    what: 'a proxy of the environment',
    env: { NODE_OPTIONS: '--use-env-proxy', NODE_USE_ENV_PROXY: '1', HTTPS_PROXY: 'http://127.0.0.1:9' },
    since: 24,
    rare: true,
  },
]

let box: Server
/** Requests that the box read. */
let read: string[] = []
/** null while it is stopped. */
let collector: RunningCollector | null = null

beforeAll(async () => {
  box = createServer(boxRoot.issue({ names: ['localhost', '127.0.0.1'] }), (request, response) => {
    read.push(`${request.method} ${request.url}`)
    response.end('{}')
  })
  box.on('tlsClientError', () => {})
  box.listen(0, '127.0.0.1')
  await once(box, 'listening')
})

beforeEach(async () => {
  read = []
  if (collector === null) collector = await startCollector(join(folder, 'collector'))
})

afterAll(async () => {
  box?.close()
  box?.closeAllConnections()
  await collector?.stop()
  rmSync(folder, { recursive: true })
})

function running(): RunningCollector {
  if (collector === null) throw new Error('The collector is stopped')
  return collector
}

const boxUrl = () => `https://localhost:${(box.address() as AddressInfo).port}`

/** Each version there is, and the whole table on each in the deep run. */
const deep = process.env.SONDE_DEEP !== undefined
const usual = { major: '24', path: modernNode() }
const nodes = [...installedNodes().filter(({ major }) => major !== usual.major), usual]
const isTried = ({ rare, everywhere, since = 0 }: Row, major: string) =>
  since <= Number(major) && (deep || (major === usual.major ? rare === undefined : everywhere === true))

describe.each(nodes)('on Node $major', ({ major, path }) => {
  const sonde = (env: Row['env'], ...args: string[]) => runToEnd(path, [agentBundle, ...args], env)

  describe.each(rows.filter((row) => isTried(row, major)))('with $what', ({ what, env }) => {
    const state = join(folder, `${major} ${what}`)

    it('the box gets no enrolment', async () => {
      const { url, token: makeToken } = running()
      const token = await makeToken()
      const { code, err } = await sonde(env, 'enrol', boxUrl(), token, '--state', state)
      expect(read).toEqual([])
      expect(code, err).toBe(69)
      expect((await sonde({}, 'enrol', url, token, '--state', state)).code).toBe(0)
    })

    it('the box gets no batch, and measured it is named', async () => {
      const config = join(folder, `${major} ${what}.json`)
      const list = join(folder, 'list.json')
      writeFileSync(
        list,
        JSON.stringify({ name: 'box', version: 1, entries: [], controls: [], resolvers: [] }),
      )
      // The collector's own address answers nobody meanwhile: the way over the box is the one that is left.
      await collector?.stop()
      collector = null
      writeFileSync(
        config,
        JSON.stringify({
          lab: true,
          test_list: list,
          repeat_after_seconds: 0,
          endpoints: [{ kind: 'collector', url: boxUrl() }],
        }),
      )
      const { code, out, err } = await sonde(
        env,
        'once',
        boxUrl(),
        '--json',
        '--state',
        state,
        '--config',
        config,
      )
      expect(code, err).toBe(0)
      const { test_keys } = JSON.parse(out.split('\n')[0] ?? '')
      expect(test_keys.tls_handshakes[0].failure).toBe('ssl_unknown_authority')
      expect(read.filter((each) => each.startsWith('POST') || each.includes('/v1/'))).toEqual([])
      const status = JSON.parse((await sonde({}, 'status', '--json', '--state', state)).out)
      expect(status.upload.kind).toBe('deferred')
      expect(status.spool.pending_batches).toBeGreaterThan(0)
    })
  })
})
