// Talk with the host: the language, sentences that fit the screen, and answers that are typed or come through a pipe.

import { createInterface } from 'node:readline'
import { wrapWords } from '../../tests-spec/command-line/wrap-words.ts'
import type { StateFolder } from '../platform/state-folder.ts'
import type { Invocation } from './invocation.ts'
import type { Language, PhraseKey } from './phrases/phrases.ts'
import { chosenLanguage, languageOf, type Say, sayIn, showsUtf8 } from './phrases/say.ts'

export interface Talk {
  readonly language: Language
  readonly say: Say
  tell(key: PhraseKey, values?: Parameters<Say>[1]): void
  tellText(text: string): void
}

/** @param said - From `--lang`. @param folder - null where there is none yet. */
export async function talkTo(
  { env, terminal }: Pick<Invocation, 'env' | 'terminal'>,
  said: string | null,
  folder: Pick<StateFolder, 'host'> | null,
): Promise<Talk> {
  const chosen = folder === null ? null : await chosenLanguage(folder.host)
  return talkIn(languageOf(said, chosen, env), { env, terminal })
}

export function talkIn(language: Language, { env, terminal }: Pick<Invocation, 'env' | 'terminal'>): Talk {
  const say = sayIn(language, showsUtf8(env))
  const tellText = (text: string) => terminal.out(`${wrapWords(text, terminal.columns)}\n`)
  return { language, say, tellText, tell: (key, values) => tellText(say(key, values)) }
}

/** Lines of the input, one for each question. */
export class Answers {
  #talk: Talk
  readonly #lines: AsyncIterator<string>
  readonly #close: () => void

  constructor(talk: Talk, { input, signal }: Pick<Invocation, 'input' | 'signal'>) {
    this.#talk = talk
    const lines = createInterface({ input: input(), terminal: false })
    this.#close = () => lines.close()
    if (signal.aborted) lines.close()
    signal.addEventListener('abort', this.#close, { once: true })
    this.#lines = lines[Symbol.asyncIterator]()
  }

  /** @returns null when nobody answers any more. */
  async text(question: string): Promise<string | null> {
    this.#talk.tellText(question)
    const { done, value } = await this.#lines.next()
    return done === true ? null : value.trim()
  }

  /** @param without - What no answer means; undefined asks again. */
  async yesNo(question: string, without?: boolean): Promise<boolean | null> {
    const { say, tell } = this.#talk
    for (;;) {
      const answer = await this.text(`${question} ${say('yes_no')}`)
      if (answer === null) return null
      if (/^(o|oui|y|yes)$/i.test(answer)) return true
      if (/^(n|non|no)$/i.test(answer)) return false
      if (answer === '' && without !== undefined) return without
      tell('say_yes_no')
    }
  }

  /** From now on in another language. */
  speak(talk: Talk): void {
    this.#talk = talk
  }

  close(): void {
    this.#close()
  }
}

/** `29/07/2018 20:00`, as people write it in Mali, which keeps UTC all year; `UTC` says so elsewhere. */
export function hostDate(ms: number): string {
  const [date = '', time = ''] = new Date(ms).toISOString().split('T')
  return `${date.split('-').reverse().join('/')} ${time.slice(0, 5)} UTC`
}
