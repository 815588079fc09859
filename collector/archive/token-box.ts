// One-time enrolment tokens: `tokens/<name of the token>.json`, mode 0600. The secret itself is never on the disk. Its
// SHA-256 is, for the MAC of the request, and is guarded as a secret: whoever copies this folder can spend the tokens in
// it that are unused, which shows, since each is spent once.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { type DeviceId, deviceId } from '../../tests-spec/protocol/batch.ts'
import { makeToken, readToken, tokenIdOf, tokenKeyOf } from '../../tests-spec/protocol/enrolment.ts'
import { createDurably, makeFolder, writeDurably } from './durable-file.ts'

const tokenState = v.object({
  /** Milliseconds since 1970. */
  createdAt: v.pipe(v.number(), v.integer()),
  /** Id of the probe that was enrolled with the token; null while it is unused. */
  usedBy: v.nullable(deviceId),
  /** What the MAC of a request is made with, in hex: SHA-256 of the secret. */
  key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
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
    const key = tokenKeyOf(secret)
    const path = this.#path(tokenIdOf(key))
    await createDurably(path, encode({ createdAt: now, usedBy: null, key: key.toString('hex') }))
    return token
  }

  /**
   * Reads a token from the disk each time: `sonde-collector token` is another process.
   *
   * @param id - Its name, 64 hex digits.
   * @returns null for a token that this collector never issued; `damaged` when its file is not what was written.
   */
  async read(id: string): Promise<TokenState | 'damaged' | null> {
    let text: string
    try {
      text = await readFile(this.#path(id), 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
    const token = parse(text)
    return token !== null && tokenIdOf(Buffer.from(token.key, 'hex')) === id ? token : 'damaged'
  }

  /** Marks a token as used. Survives a power cut when it resolves; no record may be issued before that. */
  async use(id: string, token: TokenState, device: DeviceId): Promise<void> {
    await writeDurably(this.#path(id), encode({ ...token, usedBy: device }))
  }

  #path(id: string): string {
    return join(this.#folder, `${id}.json`)
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
