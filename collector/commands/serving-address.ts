// Where the collector that has this state folder open can be asked: a file beside the lock, so that a command of the
// same folder finds it. What stands in it is a hint: whoever answers there must sign with this folder's own key.

import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { type KeyLookup, onlyKey } from '../../tests-spec/protocol/dsse.ts'
import { openSealedReceipt, sealedMediaType, splitLines } from '../../tests-spec/protocol/sealed.ts'
import { openCollectorKey } from '../archive/collector-key.ts'
import { writeDurably } from '../archive/durable-file.ts'
import { FolderInUse } from '../index/folder-lock.ts'
import { type RefusalCode, Refused, statusOf } from '../intake/refusal.ts'
import type { Taken } from '../intake/sealed-intake.ts'
import type { TakeSealed } from './import-stick.ts'

const pathIn = (state: string) => join(state, 'serving')

export async function publishAddress(state: string, url: string): Promise<void> {
  await writeDurably(pathIn(state), Buffer.from(`${url}\n`))
}

/** A collector that was killed leaves its address behind; the lock says that nobody serves. */
export async function forgetAddress(state: string): Promise<void> {
  await rm(pathIn(state), { force: true })
}

/**
 * @returns What gives a sealed file to the collector that serves this folder.
 * @throws {FolderInUse} When it serves nothing: another command has the folder.
 */
export async function sealedTakerAt(state: string): Promise<TakeSealed> {
  const url = (await readFile(pathIn(state), 'utf8').catch(() => '')).trim()
  if (!URL.canParse(url))
    throw new FolderInUse(
      `Another sonde-collector works in ${state} and serves nothing yet: try again in a minute`,
    )
  const keyOf = onlyKey(await openCollectorKey(state))
  return (bytes) => post(`${url}/v1/sealed`, bytes, keyOf)
}

async function post(url: string, bytes: Buffer, keyOf: KeyLookup): Promise<Taken> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': sealedMediaType },
    body: new Uint8Array(bytes),
    redirect: 'error',
  })
  const body = Buffer.from(await response.arrayBuffer())
  if (response.status !== 200) throw refusalIn(response.status, body)
  const [word = Buffer.alloc(0), ...receipts] = splitLines(body)
  const said = openSealedReceipt(word, keyOf)
  if (said.sealed !== sha256Hex(bytes) || said.receipts !== receipts.length)
    throw new Error(`${url} answered for another file`)
  return { word, said, receipts }
}

function refusalIn(status: number, body: Buffer): Error {
  try {
    const { code, detail } = JSON.parse(body.toString('utf8'))
    if (Object.hasOwn(statusOf, code)) return new Refused(code as RefusalCode, String(detail))
    return Object.assign(new Error(String(detail)), { code: String(code) })
  } catch {
    return new Error(`The collector that serves answered with status ${status}`)
  }
}
