// sonde-collector: START HERE. Reads the command line, opens the state folder, serves it, and ends when it is told to.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import pino, { type Logger } from 'pino'
import { openCollectorKey } from './archive/collector-key.ts'
import { makeFolder } from './archive/durable-file.ts'
import { ProbeRegister } from './archive/probe-register.ts'
import { openSealingKey, sealingKeyPath } from './archive/sealing-key.ts'
import { TokenBox } from './archive/token-box.ts'
import { openCollector } from './collector.ts'
import { type Command, readCommand, UsageError, usage } from './command-line.ts'
import { readEndpointsFile } from './commands/endpoints-file.ts'
import { importShown, importStick } from './commands/import-stick.ts'
import { rebuildIndex } from './commands/rebuild-index.ts'
import { forgetAddress, publishAddress, sealedTakerAt } from './commands/serving-address.ts'
import { verificationShown, verifyFiles } from './commands/verify.ts'
import { buildServer } from './http/server.ts'
import { FolderInUse, lockFolder } from './index/folder-lock.ts'
import { loadSqlite } from './index/sqlite.ts'
import { SqliteIndex } from './index/sqlite-index.ts'
import { version } from './version.ts'

/** How long clients may go on with what they were sending when the collector is told to stop. They send it again. */
const stopWithinMs = 5_000
/** Connections the kernel may hold for us. Node's 511 is too few when 2,100 probes come back in the same second. */
const backlog = 4_096

try {
  await run(readCommand(process.argv.slice(2), process.env))
} catch (error) {
  process.stderr.write(`sonde-collector: ${sentenceFor(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function run(command: Command): Promise<void> {
  switch (command.name) {
    case 'help':
      process.stdout.write(usage)
      return
    case 'version':
      process.stdout.write(`sonde-collector ${version}\n`)
      return
    case 'token':
      return token(command.state)
    case 'recipient':
      return recipient(command.state)
    case 'import':
      return importFrom(command)
    case 'revoke':
      return revoke(command)
    case 'rebuild-index':
      return rebuild(command.state)
    case 'serve':
      return serve(command)
    case 'verify':
      return verify(command)
    default:
      command satisfies never
  }
}

/** Runs beside a collector that serves: the token is a file it will find. */
async function token(state: string): Promise<void> {
  await makeFolder(state)
  const key = await openCollectorKey(state)
  const tokens = await TokenBox.open(state)
  process.stdout.write(`${await tokens.issue(key.id, Date.now())}\n`)
}

/** Runs beside a collector that serves, as `token` does. */
async function recipient(state: string): Promise<void> {
  await makeFolder(state)
  const key = await openCollectorKey(state)
  const register = await ProbeRegister.open(state, key.id)
  const promised = register.all().some((probe) => probe.recipient !== null)
  const sealingKey = await openSealingKey(state, promised)
  process.stdout.write(`${sealingKey.recipient}\n`)
  process.stderr.write(
    `Back up ${sealingKeyPath(state)}: without it nothing that probes seal can be opened.\n`,
  )
}

/** Takes the folder when nobody has it, and asks the collector that serves it when one does. */
async function importFrom({ state, stick, json }: Command & { name: 'import' }): Promise<void> {
  loadSqlite()
  if (!existsSync(join(state, 'collector-key')))
    throw new UsageError(`There is no collector's state in ${state}`)
  const lock = lockOrNull(state)
  const collector =
    lock === null ? null : await openCollector({ state, log: logAt('warn'), now: Date.now, openIndex: null })
  try {
    const take =
      collector === null ? await sealedTakerAt(state) : (bytes: Buffer) => collector.sealedIntake.take(bytes)
    const report = await importStick(stick, take)
    process.stdout.write(importShown(report, stick, json))
    process.exitCode = report.complete ? 0 : 1
  } finally {
    await collector?.stop()
    lock?.release()
  }
}

function lockOrNull(state: string) {
  try {
    return lockFolder(state)
  } catch (error) {
    if (error instanceof FolderInUse) return null
    throw error
  }
}

/** Runs beside a collector that serves, which finds it with the next batch of the probe. */
async function revoke({ state, device, undo }: Command & { name: 'revoke' }): Promise<void> {
  await makeFolder(state)
  const key = await openCollectorKey(state)
  const probes = await ProbeRegister.open(state, key.id)
  if (probes.get(device) === null)
    throw Object.assign(new Error(`No probe ${device} is enrolled in ${state}`), { code: 'unknown_probe' })
  await (undo ? probes.readmit(device) : probes.revoke(device, Date.now()))
  tell({ event: undo ? 'readmitted' : 'revoked', device })
}

async function rebuild(state: string): Promise<void> {
  loadSqlite()
  await makeFolder(state)
  const lock = lockFolder(state)
  await rebuildIndex(state, logAt('warn'), tell)
  lock.release()
}

async function verify(command: Command & { name: 'verify' }): Promise<void> {
  const result = await verifyFiles(command)
  process.stdout.write(verificationShown(result, command.json))
  process.exitCode = result.good ? 0 : 1
}

async function serve({
  state,
  host,
  port,
  logLevel,
  helper,
  endpoints: endpointsFile,
}: Command & { name: 'serve' }): Promise<void> {
  // Before anything is made: a collector without tables for want of a newer Node.js is a mistake to hear of at once.
  loadSqlite()
  const endpoints = endpointsFile === null ? [] : await readEndpointsFile(endpointsFile)
  await makeFolder(state)
  const lock = lockFolder(state)
  const log = logAt(logLevel)
  const openIndex = (path: string) => SqliteIndex.open(path)
  const collector = await openCollector({ state, log, now: Date.now, openIndex, helper, endpoints })
  const server = buildServer(collector)

  const stop = async (signal: string) => {
    log.info({ code: 'stopping', signal }, 'Stopping')
    setTimeout(() => server.server.closeAllConnections(), stopWithinMs).unref()
    await server.close()
    await collector.stop()
    await forgetAddress(state)
    lock.release()
    log.info({ code: 'stopped' }, 'Stopped')
  }
  // Once: a second signal ends the process at once, as it does without us.
  process.once('SIGINT', stop).once('SIGTERM', stop)

  const url = await server.listen({ host, port, backlog }).catch(async (error) => {
    await collector.stop()
    throw error
  })
  await publishAddress(state, url)
  log.info({ code: 'listening', url, version, state }, 'Listening')
  tell({ event: 'listening', url })
}

function tell(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** To stderr and without a worker thread: a line that was logged is out, also when the next one is the last. */
function logAt(level: string): Logger {
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }))
}

/** What went wrong, after a code that scripts can rely on. */
function sentenceFor(error: unknown): string {
  if (!(error instanceof Error)) return `failed: ${error}`
  const { code } = error as NodeJS.ErrnoException
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'port_in_use',
    EADDRNOTAVAIL: 'host_not_ours',
    EACCES: 'not_permitted',
    EPERM: 'not_permitted',
    EROFS: 'not_permitted',
    ENOTDIR: 'state_unusable',
    EEXIST: 'state_unusable',
    ENOSPC: 'disk_full',
  }
  return `${known[code ?? ''] ?? code ?? 'failed'}: ${error.message}`
}
