// Failures that no list of OONI has, in the nearest word that one has. plain-form.md §6 is the page. Pure.

const nearest: Readonly<Record<string, string>> = {
  // What came back was no TLS, and the handshake ended there.
  ssl_not_tls: 'ssl_failed_handshake',
  // What came back was no HTTP, and the request had no answer.
  http_invalid_response: 'http_request_failed',
  // A fault of the probe, which is what readers take an unknown failure for.
  too_many_open_files: 'unknown_failure: too many open files',
}

/** `failure` of an operation, and the keys of OONI that pass one on. */
const isFailureKey = (key: string) => key === 'failure' || /^(?!x_sonde_).*_failure$/.test(key)

/** Translates every failure in `value`; our own word stands beside the failure of an operation, as `x_sonde_failure`. */
export function inOoniWords<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each) => inOoniWords(each)) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, each]) => {
    const word = isFailureKey(key) && typeof each === 'string' ? nearest[each] : undefined
    if (word === undefined) return [[key, key.startsWith('x_sonde_') ? each : inOoniWords(each)] as const]
    return key === 'failure'
      ? [[key, word] as const, ['x_sonde_failure', each] as const]
      : [[key, word] as const]
  })
  return Object.fromEntries(entries) as T
}
