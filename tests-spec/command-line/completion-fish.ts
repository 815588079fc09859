// Completion for fish: a file in ~/.config/fish/completions.

import {
  type CommandWords,
  everyCommandsOptions,
  type OptionWords,
  type ProgramWords,
  spelledCommands,
  type ValueKind,
} from './command-words.ts'
import { functionName, uniqueOptions } from './completion-bash.ts'

export function fishCompletion(program: ProgramWords): string {
  const commands = spelledCommands(program)
  const begin = `complete -c ${program.name}`
  const own = `__fish${functionName(program.name)}`
  const withValue = uniqueOptions(commands).filter(({ value }) => value !== undefined)
  return `# fish completion for ${program.name}
function ${own}_is
    set -l words (commandline -opc)
    set -e words[1]
    set -l command
    set -l skip no
    for word in $words
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case ${withValue.map(({ name }) => `--${name}`).join(' ')}
                set skip yes
            case '-*'
            case '*'
                set command $word
                break
        end
    end
    test "$command" = "$argv[1]"
end
${begin} -f
${everyCommandsOptions.map((option) => `${begin} ${optionText(option)}`).join('\n')}
${commands.map((each) => `${begin} -n '${own}_is ""' -a ${each.name} -d ${quoted(each.summary)}`).join('\n')}
${commands.flatMap((each) => linesOf(`${begin} -n '${own}_is ${each.name}'`, each)).join('\n')}
`
}

function linesOf(after: string, { options, operands }: CommandWords): string[] {
  const operand = argumentsFrom(operands[0]?.kind ?? 'text')
  return [
    ...options.map((option) => `${after} ${optionText(option)}`),
    ...(operand === '' ? [] : [`${after}${operand}`]),
  ]
}

function optionText({ name, short, help, value }: OptionWords): string {
  const names = short === undefined ? `-l ${name}` : `-s ${short} -l ${name}`
  const after =
    value === undefined ? '' : ` ${value.kind === 'file' ? '-r' : '-x'}${argumentsFrom(value.kind)}`
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
