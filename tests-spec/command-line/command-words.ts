// What the command lines of both programs promise to people: names, operands, options, exit codes, and the form in which
// something is refused. One table a program; parsing, help, completion, the manual and docs/configuration.md are all
// made from it, so that none of them can say something else. Everything in this folder is pure: no file, no terminal.

/** What may stand in a place, for whoever completes it. A list holds everything that may. */
export type ValueKind = 'text' | 'file' | 'dir' | 'url' | readonly string[]

export interface ValueWords {
  /** As help shows it: `DIR`. */
  readonly name: string
  readonly kind: ValueKind
  /** @returns What was expected instead, or null for what can be used. */
  check?(text: string): string | null
  /** Not repeated in an error, which ends up in logs. */
  readonly secret?: true
}

export interface OptionWords {
  /** Without the hyphens. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  /** What stands behind it; absent for one that is there or not. */
  readonly value?: ValueWords
  /** Counts each time it is given. Any other that takes a value is taken once. */
  readonly repeated?: true
  readonly required?: boolean
  /** Variable of the environment that says it when the command line does not. */
  readonly variable?: string
  /** Another option without which it means nothing. */
  readonly needs?: string
  /** Another option that says otherwise. */
  readonly excludes?: string
  readonly help: string
}

export interface OperandWords extends ValueWords {
  readonly count: 'one' | 'one or none' | 'one or more' | 'any'
}

/** What an exit code means. */
export interface ExitWords {
  readonly code: number
  readonly meaning: string
}

export interface CommandWords {
  readonly name: string
  /** Other names that it is given by: in another language. */
  readonly aliases?: readonly string[]
  /** One line, without a full stop. */
  readonly summary: string
  /** Further sentences for its own page of help. */
  readonly more?: string
  readonly operands: readonly OperandWords[]
  readonly options: readonly OptionWords[]
  /** Exit codes that mean something of their own here. */
  readonly exits?: readonly ExitWords[]
}

export interface ProgramWords<Command extends CommandWords = CommandWords> {
  readonly name: string
  readonly summary: string
  readonly commands: readonly Command[]
  /** Of every command. */
  readonly exits: readonly ExitWords[]
}

/** Commands that both programs have, beside those of their tables. */
export function everyProgramsCommands(program: ProgramWords): readonly CommandWords[] {
  const names = program.commands.flatMap(namesOf)
  return [
    {
      name: 'help',
      summary: 'say what a command does and takes',
      operands: [{ name: 'COMMAND', kind: [...names, 'help', 'completion'], count: 'one or none' }],
      options: [],
    },
    {
      name: 'completion',
      summary: 'print what lets this shell complete command lines',
      more: completionHelp(program.name),
      operands: [{ name: 'SHELL', kind: ['bash', 'zsh', 'fish'], count: 'one' }],
      options: [],
    },
  ]
}

function completionHelp(name: string): string {
  return [
    `bash: source <(${name} completion bash), in ~/.bashrc.`,
    `zsh: source <(${name} completion zsh), in ~/.zshrc, after compinit.`,
    `fish: ${name} completion fish > ~/.config/fish/completions/${name}.fish`,
  ].join('\n')
}

/** Taken everywhere, also without a command. */
export const everyCommandsOptions: readonly OptionWords[] = [
  { name: 'help', short: 'h', help: 'say what the command does and takes' },
  { name: 'version', short: 'V', help: 'say which version this is' },
]

/** Every command, those of both programs last. */
export function allCommands(program: ProgramWords): readonly CommandWords[] {
  return [...program.commands, ...everyProgramsCommands(program)]
}

/** The name first. */
export function namesOf({ name, aliases = [] }: CommandWords): readonly string[] {
  return [name, ...aliases]
}

/** Every command under each of its names. */
export function spelledCommands(program: ProgramWords): readonly CommandWords[] {
  return allCommands(program).flatMap((command) => namesOf(command).map((name) => ({ ...command, name })))
}

/** With the other names. */
export function summaryOf({ summary, aliases = [] }: CommandWords): string {
  return aliases.length === 0 ? summary : `${summary} (also: ${aliases.join(', ')})`
}

/** `export DIR`, `once [URL...]`: as help and pages name it. */
export function usageOf(command: CommandWords): string {
  const shown = { one: '', 'one or none': '', 'one or more': '...', any: '...' }
  const operands = command.operands.map(({ name, count }) => {
    const text = `${name}${shown[count]}`
    return count === 'one' || count === 'one or more' ? text : `[${text}]`
  })
  return [command.name, ...operands].join(' ')
}

/** `-h, --help`, `--state DIR`. */
export function optionText({ name, short, value }: OptionWords): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value.name}`
  return short === undefined ? long : `-${short}, ${long}`
}

/** What help says of an option: with where else it may come from. */
export function optionHelp({ help, variable, repeated, required }: OptionWords): string {
  const notes = [
    ...(required ? ['needed'] : []),
    ...(repeated ? ['may be repeated'] : []),
    ...(variable === undefined ? [] : [`or ${variable}`]),
  ]
  return notes.length === 0 ? help : `${help} (${notes.join('; ')})`
}
