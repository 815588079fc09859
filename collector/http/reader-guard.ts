// Who may read. What probes send proves itself; a reader is only somebody who can reach this address. Beyond the machine
// itself a token is asked for, and a page of another site must not read by a name that it has given to our address
// (DNS rebinding), so that readers use an address, or a name that the operator has said.

import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Problem, problem } from './problem.ts'

export interface ReaderRules {
  /** null: anyone who can reach this collector may read. */
  readonly token: string | null
  /** Names by which readers may reach it, in small letters, besides its addresses and those of the machine itself. */
  readonly hosts: readonly string[]
}

export const anyone: ReaderRules = { token: null, hosts: [] }

/** @returns The problem that a reader is answered with; null for one who may read. */
export function whyNotRead(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  { token, hosts }: ReaderRules,
): Problem | null {
  const host = hostIn(headers.host ?? '')
  if (host === null || !(isIP(host) !== 0 || host === 'localhost' || hosts.includes(host)))
    return problem(421, 'wrong_host', 'Nothing is read here by this name: serve --allow-host NAME allows one')
  if (token === null || isToken(headers.authorization, token)) return null
  // So that a browser asks for it: the name does not matter, the token is the password.
  reply.header('www-authenticate', 'Basic realm="sonde", charset="UTF-8"')
  return problem(401, 'token_needed', 'Reading needs the token in the file reader-token of the state folder')
}

/** @returns The name or the address, without a port and brackets; null for what is neither. */
function hostIn(header: string): string | null {
  const [, six, other] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(header) ?? []
  return (six ?? other)?.toLowerCase().replace(/\.$/, '') ?? null
}

function isToken(authorization: string | undefined, token: string): boolean {
  const [, scheme = '', given = ''] = /^(\w+) +(\S+)$/.exec(authorization ?? '') ?? []
  if (scheme.toLowerCase() === 'bearer') return isSame(given, token)
  if (scheme.toLowerCase() !== 'basic') return false
  const [, ...password] = Buffer.from(given, 'base64').toString('utf8').split(':')
  return isSame(password.join(':'), token)
}

/** By their digests, which have one length: the time that it takes tells nothing. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}
