// The token that readers show where the collector listens beyond its own machine: `reader-token`, mode 0600. Made once;
// an operator who removes it gets another at the next start.

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDurably } from './durable-file.ts'

export const readerTokenPath = (state: string) => join(state, 'reader-token')

/** @returns The token, made where there is none. */
export async function openReaderToken(state: string): Promise<string> {
  const path = readerTokenPath(state)
  await createDurably(path, Buffer.from(`${randomBytes(24).toString('base64url')}\n`))
  const token = (await readFile(path, 'utf8')).trim()
  // An empty file must not let everyone in who shows nothing.
  if (token.length < 16)
    throw Object.assign(new Error(`${path} holds no token: remove it, and another is made`), {
      code: 'key_unusable',
    })
  return token
}
