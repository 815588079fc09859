// Reads a file that a person named: the whole of it, and nothing that would make the agent wait, as a pipe does that has
// no writer.

import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** @throws {Error} Whose message says why, for a person. */
export function readNamedFile(path: string): Buffer {
  // Opening a pipe waits for a writer otherwise, and hears no signal meanwhile.
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const found = fstatSync(descriptor)
    if (found.isFile()) return readFileSync(descriptor)
    throw new Error(found.isDirectory() ? 'it is a folder' : 'it is no regular file')
  } finally {
    closeSync(descriptor)
  }
}

/**
 * With a byte order mark, where there is one.
 * @throws {Error} As `readNamedFile()`, and for what is not in UTF-8.
 */
export function readNamedText(path: string): string {
  const bytes = readNamedFile(path)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (cause) {
    throw new Error('it is no text in UTF-8: save it in that encoding', { cause })
  }
}
