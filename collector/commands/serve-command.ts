// `sonde-collector serve`: opens the state folder, serves it, and ends when it is told to.

import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import type { Given } from '../../tests-spec/command-line/read-command-line.ts'
import { Refused as ListsRefused } from '../../tests-spec/lists/tuf/refusal.ts'
import { openTrusted } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { type HelperEndpoint, readEndpoint } from '../../tests-spec/protocol/test-helper.ts'
import { openReaderToken } from '../archive/reader-token.ts'
import { openCollector } from '../collector.ts'
import { openNetworkTable } from '../export/network-table.ts'
import type { ReaderRules } from '../http/reader-guard.ts'
import { buildServer } from '../http/server.ts'
import { lockFolder } from '../index/folder-lock.ts'
import { loadSqlite } from '../index/sqlite.ts'
import { SqliteIndex } from '../index/sqlite-index.ts'
import { logLevels } from '../log.ts'
import type { HelperSettings } from '../test-helper/test-helper.ts'
import { version } from '../version.ts'
import { CommandFailed, type FailureCode } from './command-failed.ts'
import { readEndpointsFile } from './endpoints-file.ts'
import { asnTableOption } from './export-command.ts'
import { type Command, type Invocation, logTo, stateOption, tell } from './invocation.ts'
import { forgetAddress, publishAddress } from './serving-address.ts'
import { makeState } from './state-folder.ts'

/** How long clients may go on with what they were sending when the collector is told to stop. They send it again. */
const stopWithinMs = 5_000
/** Connections the kernel may hold for us. Node's 511 is too few when 2,100 probes come back in the same second. */
const backlog = 4_096

export const serveCommand: Command = {
  name: 'serve',
  summary: 'receive batches from probes, and show what is in them',
  more: 'Prints {"event":"listening","url":…} when it is ready, and its log to standard error. The state folder is made when it is missing.',
  operands: [],
  options: [
    stateOption,
    {
      name: 'host',
      value: { name: 'ADDRESS', kind: 'text' },
      variable: 'SONDE_HOST',
      help: 'where to listen; 127.0.0.1 unless said',
    },
    {
      name: 'port',
      value: { name: 'PORT', kind: 'text', check: whyNoPort },
      variable: 'SONDE_PORT',
      help: '8080 unless said; 0 for any that is free',
    },
    {
      name: 'log',
      value: { name: 'LEVEL', kind: logLevels },
      variable: 'SONDE_LOG',
      help: 'debug, info, warn or error; info unless said',
    },
    {
      name: 'endpoints',
      value: { name: 'FILE', kind: 'file' },
      help: 'ways to this collector, a JSON array, for the probes that enrol from now on',
    },
    {
      name: 'share',
      value: {
        name: 'MIB',
        kind: 'text',
        check: (text) => (/^[1-9]\d{0,7}$/.test(text) ? null : 'a number of MiB'),
      },
      help: 'the most of the disk that one probe may take; 4096 unless said',
    },
    {
      name: 'lists-root',
      value: { name: 'FILE', kind: 'file' },
      help: 'the root of trust that test lists are signed by: they are taken in and published here, and probes that enrol get its digest',
    },
    {
      name: 'behind-proxy',
      help: 'a server on this machine takes the requests and hands them on: believe the addresses that it names',
    },
    asnTableOption,
    {
      name: 'readers',
      value: { name: 'WHO', kind: ['anyone', 'token'] },
      help: 'who may read page and measurements: anyone, or who has the token in the file reader-token; anyone unless said, and token where --host is not this machine alone',
    },
    {
      name: 'allow-host',
      value: { name: 'NAME', kind: 'text', check: whyNoName },
      repeated: true,
      help: 'a name by which readers may reach it, besides its addresses and localhost',
    },
    { name: 'no-helper', help: 'be no test helper: nothing is served at /v1/web-connectivity' },
    {
      name: 'helper-resolver',
      value: {
        name: 'IP[:PORT]',
        kind: 'text',
        check: (text) => (readResolver(text) === null ? 'IP or IP:PORT, IPv6 in brackets' : null),
      },
      excludes: 'no-helper',
      help: "ask this resolver for the helper, in place of the system's",
    },
    {
      name: 'helper-allow-private',
      excludes: 'no-helper',
      help: 'let the helper contact private addresses: laboratories only',
    },
  ],
  run: serve,
}

async function serve({ given, terminal }: Invocation): Promise<number> {
  // Before anything is made: a collector without tables for want of a newer Node.js is a mistake to hear of at once.
  loadSqlite()
  const state = given.value('state') ?? ''
  const endpointsFile = given.value('endpoints')
  const endpoints = endpointsFile === null ? [] : await readEndpointsFile(endpointsFile)
  const table = given.value('asn-table')
  const networkOf = table === null ? {} : { networkOf: openNetworkTable(table) }
  await makeState(state)
  const lock = lockFolder(state)
  const log = logTo(terminal, logLevels.find((each) => each === given.value('log')) ?? 'info')
  const collector = await openCollector({
    state,
    log,
    now: Date.now,
    openIndex: (path) => SqliteIndex.open(path),
    helper: helperSettings(given),
    endpoints,
    ...(given.value('share') !== null && { shareBytes: Number(given.value('share')) * 1024 * 1024 }),
    listsRoot: await rootIn(given.value('lists-root')),
    ...networkOf,
  })
  const host = given.value('host') ?? '127.0.0.1'
  const readers = await readerRules(given, host, state)
  const server = buildServer(collector, { readers, behindProxy: given.has('behind-proxy') })
  const told = new Promise<string>((resolve) => {
    // Once: a second signal ends the process at once, as it does without us.
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, resolve)
  })
  const close = async () => {
    setTimeout(() => server.server.closeAllConnections(), stopWithinMs).unref()
    await server.close()
    await collector.stop()
  }
  const port = Number(given.value('port') ?? '8080')
  let url: string
  try {
    url = await server.listen({ host, port, backlog }).catch((error) => {
      throw whyNotListening(error, host, port)
    })
    await publishAddress(state, url)
  } catch (error) {
    // A server that goes on listening would keep the process.
    await close()
    throw error
  }
  log.info('listening', { url, version, state })
  tell(terminal, { event: 'listening', url })

  log.info('stopping', { signal: await told })
  await close()
  await forgetAddress(state)
  lock.release()
  log.info('stopped')
  return 0
}

function whyNoPort(text: string): string | null {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? null : '0 to 65535'
}

function whyNoName(text: string): string | null {
  return /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) ? null : 'a host name, without scheme and port'
}

async function readerRules(given: Given, host: string, state: string): Promise<ReaderRules> {
  const who = given.value('readers') ?? (isThisMachine(host) ? 'anyone' : 'token')
  const names = [...given.values('allow-host'), ...(isIP(host) === 0 ? [host] : [])]
  return {
    token: who === 'token' ? await openReaderToken(state) : null,
    hosts: names.map((name) => name.toLowerCase()),
  }
}

function isThisMachine(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

async function rootIn(path: string | null): Promise<Uint8Array | null> {
  if (path === null) return null
  try {
    const root = await readFile(path)
    openTrusted(root)
    return root
  } catch (cause) {
    if (cause instanceof ListsRefused)
      throw new CommandFailed('bad_lists_root', `${path} is no root of trust: ${cause.message}.`, { cause })
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CommandFailed('bad_lists_root', `Cannot read the root of trust ${path}: ${why}.`, { cause })
  }
}

/** Probes that are enrolled here want a look from outside. @returns null: not a test helper. */
export function helperSettings(given: Given): HelperSettings | null {
  if (given.has('no-helper')) return null
  return {
    allowPrivate: given.has('helper-allow-private'),
    resolver: readResolver(given.value('helper-resolver') ?? ''),
  }
}

function readResolver(text: string): HelperEndpoint | null {
  return isIP(text) === 0 ? readEndpoint(text) : { ip: text, port: 53 }
}

function whyNotListening(error: NodeJS.ErrnoException, host: string, port: number): unknown {
  const known: Readonly<Record<string, readonly [code: FailureCode, what: string]>> = {
    EADDRINUSE: ['port_in_use', 'somebody listens there already'],
    EADDRNOTAVAIL: ['host_not_ours', 'this machine has no such address'],
    ENOTFOUND: ['host_not_ours', 'nobody knows this name'],
    EAI_AGAIN: ['host_not_ours', 'its name cannot be looked up now; say the address itself'],
    EINVAL: ['host_not_ours', 'a link-local address wants its interface behind it, as in fe80::1%eth0'],
    EAFNOSUPPORT: ['host_not_ours', 'this machine has no addresses of that kind'],
    EACCES: ['port_not_permitted', 'this user may not; ports from 1024 on are free for everyone'],
  }
  const ofNames = error.syscall === 'getaddrinfo' && error.code !== 'EAI_AGAIN' ? 'ENOTFOUND' : error.code
  const [code, what] = known[ofNames ?? ''] ?? []
  if (code === undefined) return error
  return new CommandFailed(code, `Cannot listen on ${host}, port ${port}: ${what}.`, { cause: error })
}
