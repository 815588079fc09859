// Which codings of an answer a client takes: RFC 9110 §12.5.3, as far as clients use it.

/** @returns Whether the coding is named, in capitals or not, and not with a weight of nothing. */
export function accepts(header: string | string[] | undefined, coding: string): boolean {
  return String(header ?? '')
    .split(',')
    .some((each) => {
      const [name = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase())
      return name === coding && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
    })
}
