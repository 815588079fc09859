// What is wrong with a value that a person wrote, in words to act on: all of it at once, each with its place. A schema
// names the first unknown field of an object alone, and in the words of its library.

import * as v from 'valibot'
import { nearestName } from './nearest-name.ts'
import { quoted, shownText } from './quoted.ts'

export interface ValueFault {
  /** `endpoints.0.url`; `(top)` for the whole. */
  readonly place: string
  readonly what: string
}

type Issue = v.BaseIssue<unknown>

/** Enough to see what is wrong: a file of something else altogether has one at every line. */
const maxFaults = 50

/** @returns Nothing when `value` fits. */
export function valueFaults(schema: v.GenericSchema, value: unknown): ValueFault[] {
  return faultsOf(schema, v.safeParse(schema, value).issues ?? [])
}

export function faultsOf(schema: v.GenericSchema, issues: readonly Issue[]): ValueFault[] {
  const all = issues.flatMap((issue) => faultsOfIssue(schema, issue))
  const more = all.length - maxFaults
  const shown = all.slice(0, maxFaults).map((fault) => fault())
  return more <= 0 ? shown : [...shown, { place: '(top)', what: `and ${more} more` }]
}

/** Words are found only for those that are shown: a name that was meant takes a while. */
function faultsOfIssue(schema: v.GenericSchema, issue: Issue): (() => ValueFault)[] {
  const path = issue.path ?? []
  const last = path.at(-1)
  if (last?.type !== 'object' || last.origin !== 'key' || issue.expected !== 'never')
    return [() => ({ place: placeOf(path.map(({ key }) => key)), what: wordsOf(issue) })]
  const above = path.slice(0, -1).map(({ key }) => key)
  const known = new Set(fieldsAt(schema, [...path]))
  return Object.keys(last.input)
    .filter((key) => !known.has(key))
    .map((key) => () => ({ place: placeOf([...above, key]), what: unknownField(key, [...known]) }))
}

function placeOf(keys: readonly unknown[]): string {
  return keys.length === 0 ? '(top)' : keys.map((key) => shownText(String(key))).join('.')
}

function unknownField(key: string, known: readonly string[]): string {
  const near = nearestName(key, known)
  return `${quoted(key)} is no field${near === null ? '' : `; did you mean ${near}?`}`
}

/** What the library says by itself, and not a schema of ours. */
const itsOwn = /^Invalid [^:]+: (?:Expected|Received) /

function wordsOf(issue: Issue): string {
  if (!itsOwn.test(issue.message)) return shownText(issue.message)
  if (issue.input === undefined) return 'is missing'
  const found = foundWords(issue.input)
  const expected =
    kinds[issue.type] ?? (issue.expected === null ? null : expectedWords(issue.expected) + unitOf(issue))
  return expected === null ? `cannot be ${found}` : `expected ${expected}, found ${found}`
}

/** What the library checks and has no word of its own for. */
const kinds: Readonly<Record<string, string>> = {
  integer: 'a whole number',
  url: 'a URL',
  ip: 'an IP address',
}

function unitOf({ type, input }: Issue): string {
  if (type.endsWith('_length')) return Array.isArray(input) ? ' entries' : ' characters'
  return type.endsWith('_bytes') ? ' bytes' : ''
}

const plainWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  Array: 'a list',
  Object: 'an object',
  null: 'null',
}

function expectedWords(expected: string): string {
  const [, relation, bound] = /^(<=|>=|<|>)(.*)$/.exec(expected) ?? []
  if (bound !== undefined) {
    const relations = { '<=': 'at most', '>=': 'at least', '<': 'less than', '>': 'more than' }
    return `${relations[relation as keyof typeof relations]} ${bound}`
  }
  if (expected.startsWith('/')) return `text that fits ${expected}`
  const choices = expected.replace(/^\((.*)\)$/, '$1').split(' | ')
  return choices.map((each) => plainWords[each] ?? each).join(' or ')
}

function foundWords(input: unknown): string {
  if (typeof input === 'string') return quoted(input)
  if (Array.isArray(input)) return `a list of ${input.length}`
  return typeof input === 'object' && input !== null ? 'an object' : String(input)
}

/** What this needs to know of a schema; each kind has some of it. */
interface Shape {
  readonly type: string
  readonly wrapped?: Shape
  readonly entries?: Readonly<Record<string, Shape>>
  readonly item?: Shape
  readonly key?: string
  readonly options?: readonly Shape[]
  readonly literal?: unknown
}

/** @returns Names of the fields of the object that has the last of `path`. */
function fieldsAt(schema: v.GenericSchema, path: readonly v.IssuePathItem[]): readonly string[] {
  let shape: Shape | undefined = schema
  for (const { input, key } of path.slice(0, -1)) {
    shape = objectShape(shape, input)
    shape = shape?.item ?? ownEntry(shape, String(key))
  }
  return Object.keys(objectShape(shape, path.at(-1)?.input)?.entries ?? {})
}

/** Without what may be left out, and of several the one that `input` chooses. */
function objectShape(shape: Shape | undefined, input: unknown): Shape | undefined {
  let bare = shape
  while (bare?.wrapped !== undefined) bare = bare.wrapped
  if (bare?.type !== 'variant') return bare
  const { key = '', options = [] } = bare
  const chosen = ownField(input, key)
  return options.find((each) => ownEntry(each, key)?.literal === chosen)
}

function ownEntry(shape: Shape | undefined, key: string): Shape | undefined {
  return shape?.entries !== undefined && Object.hasOwn(shape.entries, key) ? shape.entries[key] : undefined
}

function ownField(input: unknown, key: string): unknown {
  return typeof input === 'object' && input !== null && Object.hasOwn(input, key)
    ? (input as Record<string, unknown>)[key]
    : undefined
}
