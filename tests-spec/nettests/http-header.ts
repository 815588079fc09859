// A header of HTTP as observations have it. Pure.

export type HeaderPair = readonly [name: string, value: string]

/** Writes `content-type` as `Content-Type`, the form that OONI's data has whatever the server wrote. */
export function headerName(name: string): string {
  return name.toLowerCase().replaceAll(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}
