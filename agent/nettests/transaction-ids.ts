// Numbers that tie the steps of one flow together, in OONI's ranges, so that a reader knows the kind by sight.

const ranges = {
  getaddrinfo: 10_000,
  dns: 20_000,
  encrypted_dns: 30_000,
  cleartext: 40_000,
  secure: 50_000,
  datagram: 60_000,
} as const

export interface TransactionIds {
  /** @returns A number not given before in this measurement. */
  next(kind: keyof typeof ranges): number
}

export function transactionIds(): TransactionIds {
  const given = new Map<keyof typeof ranges, number>()
  return {
    next(kind) {
      const count = (given.get(kind) ?? 0) + 1
      given.set(kind, count)
      return ranges[kind] + count
    },
  }
}
