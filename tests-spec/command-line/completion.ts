// Scripts that let a shell complete command lines, made from the table. Each is what the shell reads; nothing of the
// program runs while somebody presses the key, which on a small board takes half a second.

import type { ProgramWords } from './command-words.ts'
import { bashCompletion } from './completion-bash.ts'
import { fishCompletion } from './completion-fish.ts'
import { zshCompletion } from './completion-zsh.ts'

/** @param shell - One that `completion` takes. */
export function completionScript(program: ProgramWords, shell: string): string {
  if (shell === 'bash') return bashCompletion(program)
  return shell === 'zsh' ? zshCompletion(program) : fishCompletion(program)
}
