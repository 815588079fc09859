// Gives the errors of Node.js the names of tests-spec/data-formats/failure.md. It is only as fine as the helper's
// answers need: errors that these call by one name are `unknown_failure` here too. The agent has its own, finer
// mapping.

import { constants } from 'node:os'
import type { Failure } from '../../tests-spec/data-formats/failure.ts'
import { failureOfOpenSsl, failuresByErrno } from '../../tests-spec/data-formats/system-failure.ts'

/** Never throws. An unknown error is named only by its code: its message may contain what was asked. */
export function failureOf(error: unknown): Failure {
  const { code, errno, message } = error as { code?: unknown; errno?: unknown; message?: unknown }
  const openSsl = typeof message === 'string' ? failureOfOpenSsl(message) : null
  if (openSsl !== null) return openSsl
  const known = byErrno.get(Number(errno))
  if (known !== undefined) return known
  // Without an errno, this is a FIN where more was needed; a reset has an errno.
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return 'eof_error'
  return `unknown_failure: ${typeof code === 'string' ? code : 'no code'}`
}

/** The error in the form of Node.js: a reset without an errno. */
export function endOfStream(): Error {
  return Object.assign(new Error('the other side closed'), { code: 'ECONNRESET' })
}

const byErrno = failuresByErrno(constants.errno)
