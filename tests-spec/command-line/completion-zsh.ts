// Completion for zsh: sourced after compinit, or as a file `_sonde` in a folder of $fpath.

import {
  allCommands,
  type CommandWords,
  commonOptions,
  type OptionWords,
  type ProgramWords,
  type ValueWords,
} from './command-words.ts'
import { functionName } from './completion-bash.ts'

export function zshCompletion(program: ProgramWords): string {
  const commands = allCommands(program)
  const name = functionName(program.name)
  const described = commands.map((each) => `    ${quoted(`${each.name}:${each.summary}`)}`)
  return `#compdef ${program.name}
${name}() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
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
    ...[...options, ...commonOptions].map(optionText),
    ...operands.map(({ count, ...words }) => {
      const many = count === 'any' || count === 'one or more'
      return quoted(`${many ? '*' : count === 'one' ? '' : ':'}:${words.name}:${actionOf(words)}`)
    }),
  ]
}

function optionText({ name, help, value, repeated }: OptionWords): string {
  const explained = help.replaceAll('[', '(').replaceAll(']', ')').replaceAll(':', '\\:')
  const after = value === undefined ? '' : `:${value.name}:${actionOf(value)}`
  return quoted(`${repeated ? '*' : ''}--${name}[${explained}]${after}`)
}

function actionOf({ kind }: ValueWords): string {
  if (typeof kind !== 'string') return `(${kind.join(' ')})`
  const actions = { file: '_files', dir: '_files -/', url: '_urls', text: ' ' }
  return actions[kind]
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
