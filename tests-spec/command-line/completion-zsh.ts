// Completion for zsh: sourced after compinit, or as a file `_sonde` in a folder of $fpath.

import {
  type CommandWords,
  everyCommandsOptions,
  type OptionWords,
  type ProgramWords,
  spelledCommands,
  type ValueWords,
} from './command-words.ts'
import { functionName, uniqueOptions } from './completion-bash.ts'

export function zshCompletion(program: ProgramWords): string {
  const commands = spelledCommands(program)
  const name = functionName(program.name)
  const withValue = uniqueOptions(commands).filter(({ value }) => value !== undefined)
  const described = commands.map((each) => `    ${quoted(`${each.name}:${each.summary}`)}`)
  return `#compdef ${program.name}
${name}() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  local command=''
  local -i i
  for (( i = 2; i < CURRENT; i++ )); do
    case $words[i] in
      (${withValue.map((each) => `--${each.name}`).join('|')}) (( i++ )) ;;
      (-*) ;;
      (*) command=$words[i]; break ;;
    esac
  done
  if [[ -z $command ]]; then
    _describe command commands
    return
  fi
  words=("\${(@)words[i,-1]}")
  (( CURRENT -= i - 1 ))
  case $command in
${commands.map((each) => `    ${each.name})\n      _arguments -s ${argumentsOf(each).join(' \\\n        ')}\n      ;;`).join('\n')}
  esac
}
if [[ $funcstack[1] == ${name} ]]; then
  ${name} "$@"
else
  compdef ${name} ${program.name}
fi
`
}

function argumentsOf({ options, operands }: CommandWords): string[] {
  return [
    ...[...options, ...everyCommandsOptions].map(optionText),
    ...operands.map(({ count, ...words }) => {
      const many = count === 'any' || count === 'one or more'
      return quoted(`${many ? '*' : count === 'one' ? '' : ':'}:${escaped(words.name)}:${actionOf(words)}`)
    }),
  ]
}

function optionText({ name, help, value, repeated }: OptionWords): string {
  const explained = escaped(help.replaceAll('[', '(').replaceAll(']', ')'))
  const after = value === undefined ? '' : `:${escaped(value.name)}:${actionOf(value)}`
  return quoted(`${repeated ? '*' : ''}--${name}[${explained}]${after}`)
}

function actionOf({ kind }: ValueWords): string {
  if (typeof kind !== 'string') return `(${kind.join(' ')})`
  const actions = { file: '_files', dir: '_files -/', url: '_urls', text: ' ' }
  return actions[kind]
}

/** A colon ends a part of what `_arguments` is told. */
function escaped(text: string): string {
  return text.replaceAll(':', '\\:')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
