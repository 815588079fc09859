// One-time enrolment tokens: `tokens/<SHA-256 of the secret>.json`. The secret itself is never on the disk, so no
// probe can be enrolled with a copy of the state folder.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type DeviceId, deviceId, sha256Hex } from '../../tests-spec/protocol/batch.ts'
import { makeToken, readToken } from '../../tests-spec/protocol/enrolment.ts'
import { createDurably, makeFolder, writeDurably } from './durable-file.ts'

const tokenState = v.object({
  /** Milliseconds since 1970. */
  createdAt: v.pipe(v.number(), v.integer()),
  /** Id of the probe that was enrolled with the token; null while it is unused. */
  usedBy: v.nullable(deviceId),
})
export type TokenState = v.InferOutput<typeof tokenState>

export class TokenBox {
  readonly #folder: string

  private constructor(state: string) {
    this.#folder = join(state, 'tokens')
  }

  static async open(state: string): Promise<TokenBox> {
    const box = new TokenBox(state)
    await makeFolder(box.#folder)
    return box
  }

  /** @returns A new token, to be given to one probe by hand. It cannot be shown again. */
  async issue(collectorKeyId: string, now: number): Promise<string> {
    const token = makeToken(collectorKeyId)
    const { secret } = readToken(token) ?? {}
    if (secret === undefined) throw new Error('makeToken() made a token that readToken() does not read')
    await createDurably(this.#path(secret), encode({ createdAt: now, usedBy: null }))
    return token
  }

  /**
   * Reads a token from the disk each time: `sonde-collector token` is another process.
   *
   * @returns null for a secret that this collector never issued; `damaged` when its file is not what was written.
   */
  async read(secret: string): Promise<TokenState | 'damaged' | null> {
    let text: string
    try {
      text = await readFile(this.#path(secret), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
    return parse(text) ?? 'damaged'
  }

  /** Marks a token as used. Survives a power cut when it resolves; no record may be issued before that. */
  async use(secret: string, token: TokenState, device: DeviceId): Promise<void> {
    await writeDurably(this.#path(secret), encode({ ...token, usedBy: device }))
  }

  #path(secret: string): string {
    return join(this.#folder, `${sha256Hex(Buffer.from(secret))}.json`)
  }
}

function parse(text: string): TokenState | null {
  try {
    return v.parse(tokenState, JSON.parse(text))
  } catch {
    return null
  }
}

function encode(token: TokenState): Buffer {
  return Buffer.from(JSON.stringify(token))
}
