// Completion for bash 4 and later, without the package bash-completion: `source <(sonde completion bash)`.

import {
  type CommandWords,
  everyCommandsOptions,
  type OptionWords,
  type ProgramWords,
  spelledCommands,
  type ValueKind,
} from './command-words.ts'

export function bashCompletion(program: ProgramWords): string {
  const commands = spelledCommands(program)
  const options = uniqueOptions(commands)
  const withValue = options.filter(({ value }) => value !== undefined)
  const name = functionName(program.name)
  return `# bash completion for ${program.name}
${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command='' options='' kind='' i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${withValue.map((each) => `--${each.name}`).join(' | ')}) ((i++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[i]} && break ;;
    esac
  done
  case $prev in
${withValue.map(({ name, value }) => `    --${name}) kind=${quoted(kindText(value?.kind ?? 'text'))} ;;`).join('\n')}
  esac
  if [[ -z $kind ]]; then
    case $command in
      '') kind=${quoted(`list ${commands.map((each) => each.name).join(' ')}`)} ;;
${commands.map((each) => `      ${each.name}) options=${quoted(optionList(each))} kind=${quoted(operandKind(each))} ;;`).join('\n')}
    esac
    if [[ $cur == -* ]]; then kind="list $options ${everyCommandsOptions.map((each) => `--${each.name}`).join(' ')}"; fi
  fi
  case $kind in
    file) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
    dir) compopt -o filenames 2> /dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
    list*) mapfile -t COMPREPLY < <(compgen -W "\${kind#list}" -- "$cur") ;;
  esac
}
complete -F ${name} ${program.name}
`
}

/** Options of all commands, each name once. */
export function uniqueOptions(commands: readonly CommandWords[]): OptionWords[] {
  const all = commands.flatMap(({ options }) => options)
  return all.filter(({ name }, i) => all.findIndex((each) => each.name === name) === i)
}

export function functionName(program: string): string {
  return `_${program.replaceAll('-', '_')}`
}

function optionList({ options }: CommandWords): string {
  return options.map(({ name }) => `--${name}`).join(' ')
}

/** Of what stands after the command. */
function operandKind({ operands }: CommandWords): string {
  return kindText(operands[0]?.kind ?? 'text')
}

function kindText(kind: ValueKind): string {
  if (typeof kind !== 'string') return `list ${kind.join(' ')}`
  return kind === 'file' || kind === 'dir' ? kind : 'none'
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
