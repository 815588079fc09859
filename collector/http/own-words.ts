// What Fastify says of itself goes into the log under one code of ours. Only trouble: that it listens we say ourselves.

import type { FastifyBaseLogger } from 'fastify'
import type { Log } from '../log.ts'

export function ownWords(log: Log): FastifyBaseLogger {
  const complain = (first: unknown, ...rest: unknown[]) => {
    const detail = [first, ...rest].find((each) => typeof each === 'string')
    log.warn('http_trouble', { detail, err: errorIn(first) })
  }
  const nothing = () => {}
  const words: FastifyBaseLogger = {
    level: 'warn',
    fatal: complain,
    error: complain,
    warn: complain,
    info: nothing,
    debug: nothing,
    trace: nothing,
    silent: nothing,
    child: () => words,
  }
  return words
}

function errorIn(said: unknown): unknown {
  if (said instanceof Error || typeof said !== 'object' || said === null) return said
  return 'err' in said ? said.err : undefined
}
