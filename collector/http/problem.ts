// Errors as answers: RFC 9457 problem documents, with a stable `code` that programs decide on.

import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { Refused as ListsRefused } from '../../tests-spec/lists/tuf/refusal.ts'
import { BatchRefused } from '../../tests-spec/protocol/batch.ts'
import { Refused, statusOf } from '../intake/refusal.ts'

const problemMediaType = 'application/problem+json'

export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  /** The collector's signed word, where the refusal lasts: an envelope of tests-spec/protocol/refusal.ts. */
  readonly signed?: unknown
}

/** A manifest can be wrong in a thousand fields; an answer names the first. */
const maxDetailChars = 500

/** What Fastify itself refuses, in our words. Everything else it throws keeps its status. */
const codeOfFastify: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'wrong_type',
}

/** @returns The answer to a request that ended in `error`. Nothing of an error of ours is told to the outside. */
export function problemOf(error: unknown): Problem {
  if (error instanceof BatchRefused || error instanceof Refused) {
    return problem(statusOf[error.code], error.code, error.message)
  }
  // The codes of tests-spec/lists/metadata.md §4: understood, and not believed.
  if (error instanceof ListsRefused) return problem(422, error.code, error.message)
  const { statusCode, code, message } = error as { statusCode?: number; code?: string; message?: string }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return problem(statusCode, codeOfFastify[code ?? ''] ?? 'bad_request', message ?? '')
  }
  // The probe keeps what it has and tries again; the operator reads the log.
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return problem(503, 'disk_full', 'The collector cannot keep more')
  if (code === 'EIO' || code === 'EROFS' || code === 'ENXIO')
    return problem(503, 'disk_failing', 'The disk of the collector fails; nothing was accepted')
  if (code === 'no_index') return problem(503, 'no_index', 'The index is damaged; batches are still received')
  return problem(500, 'internal', 'The collector failed; nothing was accepted')
}

/** Sends a problem as the answer. */
export function answerProblem(reply: FastifyReply, found: Problem): FastifyReply {
  // Bytes: to a string Fastify adds a charset, which JSON does not have.
  return reply
    .code(found.status)
    .type(problemMediaType)
    .send(Buffer.from(JSON.stringify(found)))
}

export function problem(status: number, code: string, detail: string): Problem {
  return {
    // A name, not an address: where this collector will be reachable from is nobody's promise.
    type: `urn:sonde:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: detail.slice(0, maxDetailChars),
    code,
  }
}
