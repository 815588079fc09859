// Reads a command line by the table of its program. Nothing is guessed: what a command does not take is refused, each
// fault in a sentence of its own, all of them at once, and with the name that was probably meant.
//
// Options may stand anywhere, `--state DIR` and `--state=DIR` are the same, `--` ends them, and `-` is an operand.

import {
  allCommands,
  type CommandWords,
  everyCommandsOptions,
  namesOf,
  type OperandWords,
  type OptionWords,
  type ProgramWords,
  usageOf,
  type ValueWords,
} from './command-words.ts'
import { nearestName } from './nearest-name.ts'
import { quoted, shownText } from './quoted.ts'

/** What a command was given. */
export interface Given {
  /** The operands, in order. */
  readonly operands: readonly string[]
  /** Of an option that takes one: from the line, else from its variable, else null. */
  value(name: string): string | null
  /** As `value()`, from the line alone. */
  said(name: string): string | null
  /** All, of an option that may be repeated. */
  values(name: string): readonly string[]
  has(name: string): boolean
}

export type Reading<Command extends CommandWords> =
  | { readonly kind: 'command'; readonly command: Command; readonly given: Given }
  /** Of one command, or of the program. */
  | { readonly kind: 'help'; readonly command: CommandWords | null }
  | { readonly kind: 'version' }
  | { readonly kind: 'completion'; readonly shell: string }
  | { readonly kind: 'faults'; readonly faults: readonly string[] }

type Environment = Readonly<Record<string, string | undefined>>

/** @param environment - Of whoever called. What stands around a value does not count; a variable that is empty counts as none. */
export function readCommandLine<Command extends CommandWords>(
  program: ProgramWords<Command>,
  argv: readonly string[],
  environment: Environment,
): Reading<Command> {
  const commands = allCommands(program)
  const known = [...everyCommandsOptions, ...commands.flatMap(({ options }) => options)]
  const words = wordsOf(argv, known)
  const [name, ...operands] = words.plain
  const isNamed = (asked: string | undefined) => (each: CommandWords) =>
    asked !== undefined && namesOf(each).includes(asked)
  const command = commands.find(isNamed(name)) ?? null
  if (words.options.some((each) => each.option?.name === 'version')) return { kind: 'version' }
  const asked = words.options.some((each) => each.option?.name === 'help')
  if (asked && (name === undefined || command !== null)) return { kind: 'help', command }
  const faults = [
    ...nameFaults(program.name, name, command, commands),
    ...words.options.flatMap((each) => optionFaults(each, command, commands, known)),
    ...(command === null ? [] : contradictions(command, words)),
    ...(command === null
      ? []
      : [...operandFaults(program.name, command, operands), ...lacking(command, words, environment)]),
  ]
  if (faults.length > 0 || command === null) return { kind: 'faults', faults }
  if (command.name === 'help') {
    return { kind: 'help', command: commands.find(isNamed(operands[0])) ?? null }
  }
  if (command.name === 'completion') return { kind: 'completion', shell: operands[0] ?? '' }
  const own = program.commands.find(isNamed(name))
  if (own === undefined) throw new Error(`${name} is in no table`)
  return { kind: 'command', command: own, given: givenOf(own, operands, words, environment) }
}

interface Word {
  /** As it was written, without what follows `=`. */
  readonly written: string
  /** null for one that no command takes. */
  readonly option: OptionWords | null
  /** null when none stands there. */
  readonly value: string | null
}

interface Words {
  readonly plain: readonly string[]
  readonly options: readonly Word[]
}

/** Which word belongs to which option. One that is unknown is taken for the one it resembles, so that one slip is one fault. */
function wordsOf(argv: readonly string[], known: readonly OptionWords[]): Words {
  const plain: string[] = []
  const options: Word[] = []
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? ''
    if (word === '--') return { plain: [...plain, ...argv.slice(i + 1)], options }
    if (!word.startsWith('-') || word === '-') {
      plain.push(word)
      continue
    }
    const equals = word.indexOf('=')
    const written = equals < 0 ? word : word.slice(0, equals)
    const option = known.find((each) => spellings(each).includes(written)) ?? null
    const meant = option ?? resembling(written, known)
    let value = equals < 0 ? null : word.slice(equals + 1)
    const next = argv[i + 1]
    if (value === null && meant?.value !== undefined && next !== undefined && !/^-./.test(next)) {
      value = next
      i++
    }
    options.push({ written, option, value })
  }
  return { plain, options }
}

function spellings({ name, short }: OptionWords): string[] {
  return short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`]
}

function resembling(written: string, known: readonly OptionWords[]): OptionWords | null {
  const near = nearestName(written.replace(/^-+/, ''), [...new Set(known.map(({ name }) => name))])
  return known.find(({ name }) => name === near) ?? null
}

function nameFaults(
  program: string,
  name: string | undefined,
  command: CommandWords | null,
  commands: readonly CommandWords[],
): string[] {
  const names = commands.map((each) => each.name)
  if (name === undefined) return [`Say what to do: ${names.join(', ')}.`]
  if (command !== null) return []
  const near = nearestName(name, commands.flatMap(namesOf))
  return [`There is no command ${quoted(name)}.${near === null ? ` See ${program} help.` : didYouMean(near)}`]
}

function didYouMean(name: string | null): string {
  return name === null ? '' : ` Did you mean ${name}?`
}

function optionFaults(
  { written, option, value }: Word,
  command: CommandWords | null,
  commands: readonly CommandWords[],
  known: readonly OptionWords[],
): string[] {
  if (option === null) {
    const near = resembling(written, command === null ? known : [...command.options, ...everyCommandsOptions])
    return [`There is no option ${shownText(written)}.${didYouMean(near === null ? null : `--${near.name}`)}`]
  }
  // Without a command nobody knows what it would have taken.
  if (command === null) return []
  const own = command.options.find(({ name }) => name === option.name)
  if (own === undefined) {
    const takers = commands
      .filter(({ options }) => options.some(({ name }) => name === option.name))
      .map(({ name }) => name)
    return [`${command.name} takes no ${written}: it belongs to ${takers.join(', ')}.`]
  }
  if (own.value === undefined) return value === null ? [] : [`${written} takes no value.`]
  if (value === null || value === '') return [`${written} wants ${own.value.name} after it.`]
  return valueFaults(written, own.value, value)
}

/** What was said twice, and what says two things. */
function contradictions(command: CommandWords, words: Words): string[] {
  const times = (name: string) => words.options.filter(({ option }) => option?.name === name).length
  return command.options.flatMap(({ name, value, repeated, excludes }) => [
    ...(value !== undefined && !repeated && times(name) > 1
      ? [`--${name} is there ${times(name)} times, and takes one ${value.name}.`]
      : []),
    ...(excludes !== undefined && times(name) > 0 && times(excludes) > 0
      ? [`--${excludes} and --${name} say two things: give one of them.`]
      : []),
  ])
}

function valueFaults(where: string, words: ValueWords, text: string): string[] {
  const { kind } = words
  if (typeof kind !== 'string') {
    if (kind.includes(text)) return []
    const near = nearestName(text, kind)
    return [`${where} cannot be ${quoted(text)}: expected ${kind.join(', ')}.${didYouMean(near)}`]
  }
  const expected = words.check?.(text) ?? null
  const found = words.secret ? 'used as it is' : quoted(text)
  return expected === null ? [] : [`${where} cannot be ${found}: expected ${expected}.`]
}

function operandFaults(program: string, command: CommandWords, given: readonly string[]): string[] {
  const faults: string[] = []
  const left = [...given]
  for (const each of command.operands) {
    const taken = left.splice(0, each.count === 'any' || each.count === 'one or more' ? left.length : 1)
    if (taken.length === 0 && isNeeded(each))
      faults.push(`${each.name} is missing: ${program} ${usageOf(command)}`)
    faults.push(...taken.flatMap((text) => valueFaults(each.name, each, text)))
  }
  if (left.length > 0) {
    const extra = left.map(quoted).join(' ')
    faults.push(
      `${command.name} takes ${command.operands.length === 0 ? 'nothing' : 'no more'} after it: ${extra}.`,
    )
  }
  return faults
}

function isNeeded({ count }: OperandWords): boolean {
  return count === 'one' || count === 'one or more'
}

/** What is missing, and what a variable says that cannot be used. */
function lacking(command: CommandWords, words: Words, environment: Environment): string[] {
  const isThere = (name: string) => words.options.some(({ option }) => option?.name === name)
  return command.options.flatMap((option) => {
    const { name, value, variable, required, needs } = option
    if (isThere(name)) {
      return needs === undefined || isThere(needs) ? [] : [`--${name} means nothing without --${needs}.`]
    }
    const text = fromVariable(option, environment)
    if (text !== null && value !== undefined) return valueFaults(variable ?? '', value, text)
    if (required !== true) return []
    const or = variable === undefined ? '' : `, or ${variable} in the environment`
    return [`${command.name} wants --${name} ${value?.name ?? ''}${or}.`]
  })
}

function fromVariable({ variable }: OptionWords, environment: Environment): string | null {
  const text = variable === undefined ? undefined : environment[variable]?.trim()
  return text === undefined || text === '' ? null : text
}

function givenOf(
  command: CommandWords,
  operands: readonly string[],
  { options }: Words,
  environment: Environment,
): Given {
  /** A command that asks for what is not in its table has a bug. */
  const optionNamed = (name: string): OptionWords => {
    const option = command.options.find((each) => each.name === name)
    if (option === undefined) throw new Error(`${command.name} takes no --${name}, and asks for it`)
    return option
  }
  const given = (asked: string) => {
    const { name } = optionNamed(asked)
    return options.filter(({ option }) => option?.name === name)
  }
  const values = (name: string) => given(name).flatMap(({ value }) => (value === null ? [] : [value]))
  const said = (name: string) => values(name).at(-1) ?? null
  return {
    operands,
    values,
    said,
    value: (name) => said(name) ?? fromVariable(optionNamed(name), environment),
    has: (name) => given(name).length > 0,
  }
}
