// What a target is about, in the Citizen Lab's codes, and which of them may put a person at risk by having been contacted.
// categories.md is the page.

export interface Category {
  readonly name: string
  /** Whether a host must have agreed to it: having contacted such a site may be held against a person somewhere. */
  readonly needsConsent: boolean
}

const open = (name: string): Category => ({ name, needsConsent: false })
const risky = (name: string): Category => ({ name, needsConsent: true })

export const categories: ReadonlyMap<string, Category> = new Map([
  ['ALDR', risky('Alcohol and drugs')],
  ['ANON', open('Anonymization and circumvention tools')],
  ['COMM', open('E-commerce')],
  ['COMT', open('Communication tools')],
  ['CTRL', open('Control content')],
  ['CULTR', open('Culture')],
  ['DATE', risky('Online dating')],
  ['ECON', open('Economics')],
  ['ENV', open('Environment')],
  ['FILE', risky('File sharing')],
  ['GAME', open('Gaming')],
  ['GMB', risky('Gambling')],
  ['GOVT', open('Government')],
  ['GRP', open('Social networking')],
  ['HACK', risky('Hacking tools')],
  ['HATE', risky('Hate speech')],
  ['HOST', open('Hosting and blogging platforms')],
  ['HUMR', open('Human rights issues')],
  ['IGO', open('Intergovernmental organizations')],
  ['LGBT', risky('LGBT')],
  ['MILX', risky('Terrorism and militants')],
  ['MISC', open('Miscellaneous content')],
  ['MMED', open('Media sharing')],
  ['NEWS', open('News media')],
  ['POLR', open('Political criticism')],
  ['PORN', risky('Pornography')],
  ['PROV', risky('Provocative attire')],
  ['PUBH', open('Public health')],
  ['REL', risky('Religion')],
  ['SRCH', open('Search engines')],
  ['XED', risky('Sex education')],
])

/** What is not known is held to be risky. */
export function needsConsent(code: string): boolean {
  return categories.get(code)?.needsConsent ?? true
}
