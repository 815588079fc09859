// What a front is in this laboratory: a server between the line and a collector.

/** Where things are in the sandbox that is meant. */
export interface Place {
  readonly folder: string
  readonly address: string
  readonly port: number
  readonly collectorPort: number
  readonly certificate: string
  readonly key: string
}

export interface Front {
  /** Program that it needs, with the Debian package that brings it; null for none. */
  readonly needs: { readonly program: string; readonly package: string } | null
  readonly scheme: 'http' | 'https'
  /** Whether the collector is told that a server stands in front of it. */
  readonly behindProxy: boolean
  /** Writes what it needs. @returns How it is started; null for the collector itself. */
  prepare(place: Place): readonly string[] | null
}
