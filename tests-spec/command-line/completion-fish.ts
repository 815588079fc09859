// Completion for fish: a file in ~/.config/fish/completions.

import {
  allCommands,
  type CommandWords,
  commonOptions,
  type OptionWords,
  type ProgramWords,
  type ValueKind,
} from './command-words.ts'

export function fishCompletion(program: ProgramWords): string {
  const commands = allCommands(program)
  const begin = `complete -c ${program.name}`
  return `# fish completion for ${program.name}
${begin} -f
${commonOptions.map((option) => `${begin} ${optionText(option)}`).join('\n')}
${commands.map((each) => `${begin} -n __fish_use_subcommand -a ${each.name} -d ${quoted(each.summary)}`).join('\n')}
${commands.flatMap((each) => linesOf(begin, each)).join('\n')}
`
}

function linesOf(begin: string, { name, options, operands }: CommandWords): string[] {
  const after = `${begin} -n '__fish_seen_subcommand_from ${name}'`
  const operand = operands[0]
  return [
    ...options.map((option) => `${after} ${optionText(option)}`),
    ...(operand === undefined ? [] : [`${after}${argumentsFrom(operand.kind)}`]),
  ]
}

function optionText({ name, short, help, value }: OptionWords): string {
  const names = short === undefined ? `-l ${name}` : `-s ${short} -l ${name}`
  const after = value === undefined ? '' : ` -r${argumentsFrom(value.kind)}`
  return `${names} -d ${quoted(help)}${after}`
}

function argumentsFrom(kind: ValueKind): string {
  if (typeof kind !== 'string') return ` -a ${quoted(kind.join(' '))}`
  if (kind === 'file') return ' -F'
  return kind === 'dir' ? " -a '(__fish_complete_directories)'" : ''
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
