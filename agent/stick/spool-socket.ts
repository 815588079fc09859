// A running agent holds the spool; a command that needs the spool asks the agent here, over a socket in the state
// folder. The folder is open to its user alone: a process that can reach the socket could read the folder as well.
// Each question and each answer is one line of JSON, one after the other. The command, not the agent, touches the
// stick: a service may see neither /media nor a home folder.

import { connect, createServer, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import * as v from 'valibot'
import { batchId } from '../../tests-spec/protocol/batch.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { removeFile } from '../platform/atomic-file.ts'
import type { SpoolAccess } from './spool-access.ts'

const base64 = v.string()
const request = v.variant('ask', [
  v.object({ ask: v.literal('seal_all') }),
  v.object({ ask: v.literal('pending') }),
  v.object({ ask: v.literal('aside') }),
  v.object({ ask: v.literal('read'), id: batchId }),
  v.object({ ask: v.literal('receipted'), receipt: base64 }),
  v.object({ ask: v.literal('refused'), word: base64 }),
])
type Request = v.InferInput<typeof request>

/** null means that a request was not understood, or failed. */
const answers = {
  seal_all: v.boolean(),
  pending: v.array(v.object({ id: batchId, seq: v.number(), bytes: v.number(), anomalies: v.number() })),
  read: v.object({ batch: v.nullable(base64) }),
  receipted: v.boolean(),
  refused: v.array(v.object({ batch: batchId, code: v.string() })),
}

/**
 * Answers for `spool` at `path` until it is closed. The caller holds the lock of the folder.
 * @returns null when no socket can be made there: the path is too long for one, or the file system has none.
 */
export async function serveSpool(path: string, spool: SpoolAccess): Promise<{ close(): void } | null> {
  const callers = new Set<Socket>()
  const server = createServer((socket) => {
    callers.add(socket)
    socket.on('close', () => callers.delete(socket)).on('error', () => {})
    // Requests are answered one after the other: the answers carry no number.
    let last: Promise<unknown> = Promise.resolve()
    createInterface({ input: socket }).on('line', (line) => {
      last = last.then(async () => socket.write(`${JSON.stringify(await answerTo(line, spool))}\n`))
    })
  })
  // The socket may be left from an agent that was killed. If it cannot be removed, listening will fail too.
  await removeFile(path).catch(() => {})
  if (!(await listening(server, path))) return null
  server.unref()
  return {
    close() {
      server.close()
      for (const socket of callers) socket.destroy()
    },
  }
}

/**
 * Linux has room for 107 bytes, other systems for 103. libuv does not refuse a longer path but cuts it off, and the
 * socket appears somewhere else: seen under Node 20.
 */
const maxPathBytes = 103

function listening(server: Server, path: string): Promise<boolean> {
  if (Buffer.byteLength(path) > maxPathBytes) return Promise.resolve(false)
  return new Promise((resolve) => {
    server.on('error', () => resolve(false))
    server.listen(path, () => resolve(true))
  })
}

async function answerTo(line: string, spool: SpoolAccess): Promise<unknown> {
  try {
    const asked = v.parse(request, JSON.parse(line))
    switch (asked.ask) {
      case 'seal_all':
        return await spool.sealAll()
      case 'pending':
        return await spool.pending()
      case 'aside':
        return await spool.aside()
      case 'read':
        return { batch: (await spool.read(asked.id))?.toString('base64') ?? null }
      case 'receipted':
        return await spool.receipted(Buffer.from(asked.receipt, 'base64'))
      case 'refused':
        return await spool.refused(Buffer.from(asked.word, 'base64'))
      default:
        return asked satisfies never
    }
  } catch {
    // Whatever went wrong, the agent goes on; the command that asked reports that the agent did not answer.
    return null
  }
}

/**
 * Connects to the spool of the agent that holds the folder.
 * @returns null when no agent answers at `path`.
 */
export async function connectSpool(path: string): Promise<(SpoolAccess & { close(): void }) | null> {
  const socket = await connected(path)
  if (socket === null) return null
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  let last: Promise<unknown> = Promise.resolve()
  const ask = <T>(asked: Request, answer: v.GenericSchema<unknown, T>): Promise<T> => {
    const said = last.then(async () => {
      socket.write(`${JSON.stringify(asked)}\n`)
      // When the agent ends, either no line comes, or the socket reports an error.
      const { value, done } = await lines.next().catch(() => ({ value: undefined, done: true }))
      const parsed = v.safeParse(answer, done === true ? undefined : JSON.parse(String(value)))
      if (!parsed.success) throw agentGone()
      return parsed.output
    })
    last = said.catch(() => {})
    return said
  }
  return {
    sealAll: () => ask({ ask: 'seal_all' }, answers.seal_all),
    pending: () => ask({ ask: 'pending' }, answers.pending),
    aside: () => ask({ ask: 'aside' }, answers.pending),
    async read(id) {
      const { batch } = await ask({ ask: 'read', id }, answers.read)
      return batch === null ? null : Buffer.from(batch, 'base64')
    },
    receipted: (line) => ask({ ask: 'receipted', receipt: line.toString('base64') }, answers.receipted),
    refused: (word) => ask({ ask: 'refused', word: word.toString('base64') }, answers.refused),
    close: () => socket.destroy(),
  }
}

function connected(path: string): Promise<Socket | null> {
  if (Buffer.byteLength(path) > maxPathBytes) return Promise.resolve(null)
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(socket))
    // The listener stays for the whole life of the socket: that the agent ended is noticed by the line that does not
    // come.
    socket.on('error', () => resolve(null))
  })
}

function agentGone(): ActionableError {
  return new ActionableError(
    'already_running',
    'The agent that runs here stopped answering. Give the same command again: nothing is lost.',
  )
}
