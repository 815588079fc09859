// Failures that no list of OONI has, in the nearest word that one has. plain-form.md §6 is the page. Pure.

const nearest: Readonly<Record<string, string>> = {
  // What came back was no TLS, and the handshake ended there.
  ssl_not_tls: 'ssl_failed_handshake',
  // What came back was no HTTP, and the request had no answer.
  http_invalid_response: 'http_request_failed',
  // A fault of the probe, which is what readers take an unknown failure for.
  too_many_open_files: 'unknown_failure: too many open files',
}

/** The key of our own word, beside OONI's. */
const ownWordKey = 'x_sonde_failure'

/** `failure` of an operation, and the keys of OONI that pass one on. */
const isFailureKey = (key: string) => key === 'failure' || /^(?!x_sonde_).*_failure$/.test(key)

/** Translates every failure in `value`; our own word stands beside the failure of an operation, as `x_sonde_failure`. */
export function inOoniWords<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each) => inOoniWords(each)) as T
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).flatMap(([key, each]) => {
    const word = isFailureKey(key) && typeof each === 'string' ? nearest[each] : undefined
    if (word === undefined) return [[key, key.startsWith('x_sonde_') ? each : inOoniWords(each)] as const]
    return key === 'failure' ? [[key, word] as const, [ownWordKey, each] as const] : [[key, word] as const]
  })
  return Object.fromEntries(entries) as T
}

/** What `inOoniWords()` made of observations, undone. */
export function inOurWords<T>(value: T): T {
  if (Array.isArray(value)) return value.map((each) => inOurWords(each)) as T
  if (typeof value !== 'object' || value === null) return value
  const { [ownWordKey]: own, ...others } = value as Readonly<Record<string, unknown>>
  const entries = Object.entries(others).map(([key, each]) => [key, inOurWords(each)] as const)
  return Object.fromEntries(own === undefined ? entries : [...entries, ['failure', own]]) as T
}
