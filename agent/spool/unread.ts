// What the disk does not let the spool read: a file or a folder of another user's, most often root's, or a place of the card that
// is gone. What is in it is not known, which is another matter than nothing.

import { relative } from 'node:path'
import { isDiskFailure } from '../platform/atomic-file.ts'
import type { SpoolEvent, Tell, Unread } from './events.ts'

/** @returns null when the error is not the disk's. */
export function unreadBy(error: unknown, dir: string): Unread | null {
  if (!isDiskFailure(error)) return null
  const { code, path } = error as Error & { readonly code: string; readonly path?: string }
  return { code, path: path === undefined ? null : relative(dir, path) }
}

/** @returns What tells `tell` everything, but what cannot be read only once until the spool was opened again. */
export function tellingOnce(tell: Tell): Tell {
  const told = new Set<string>()
  return (event: SpoolEvent) => {
    if (event.kind === 'opened') told.clear()
    if (event.kind === 'unread') {
      const key = `${event.code} ${event.path}`
      if (told.has(key)) return
      told.add(key)
    }
    tell(event)
  }
}
