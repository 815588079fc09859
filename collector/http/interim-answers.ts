// Interim answers while a body comes, so that a sender sees bytes arrive that its own kernel hides: batch.md,
// "Interrupted uploads". A server in between may take one for the final answer, or end a request that gets many: where
// anything shows that there is one, nothing is said.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { UploadName } from '../../tests-spec/protocol/batch.ts'
import {
  maxProgressAnswers,
  progressStatus,
  readComplete,
  uploadHeaders,
} from '../../tests-spec/protocol/resumable-upload.ts'

/** Fields that a server adds to what it hands on. */
const addedInBetween = ['via', 'forwarded', 'x-real-ip', 'x-request-id', 'cdn-loop']

/** Whether the sender of this request asks for interim answers, and nothing shows that they go through a server first. */
export function hearsProgress(request: IncomingMessage, behindProxy: boolean): boolean {
  const { headers, httpVersion } = request
  if (behindProxy || httpVersion !== '1.1') return false
  // Only a sender that names this field knows interim answers.
  if (readComplete(headers[uploadHeaders.complete]) === null) return false
  // What is between two servers is theirs (RFC 9110 §7.6.1): a server in between leaves this out or writes `close`.
  if (headers.connection?.toLowerCase() !== 'keep-alive') return false
  return !Object.keys(headers).some(
    (name) => addedInBetween.includes(name) || name.startsWith('x-forwarded-'),
  )
}

/**
 * Node.js writes only some interim answers itself; `socket` is there when this request is the one being answered. The
 * first says where the upload is.
 */
export function progressTeller(response: ServerResponse): (upload: UploadName, held: number) => void {
  let told = 0
  return (upload, held) => {
    if (response.headersSent || response.writableEnded || told === maxProgressAnswers) return
    const lines = [
      `HTTP/1.1 ${progressStatus} Upload Resumption Supported`,
      `${uploadHeaders.offset}: ${held}`,
    ]
    if (told === 0) lines.push(`Location: /v1/uploads/${upload}`)
    told += 1
    response.socket?.write(`${lines.join('\r\n')}\r\n\r\n`)
  }
}
