// Options that several commands take.

import type { OptionWords } from '../../tests-spec/command-line/command-words.ts'
import { languages } from './phrases/phrases.ts'

export const stateOption: OptionWords = {
  name: 'state',
  value: { name: 'DIR', kind: 'dir' },
  variable: 'SONDE_STATE',
  help: 'where keys, results and logs are kept; $XDG_STATE_HOME/sonde or ~/.local/state/sonde unless said',
}

export const configOption: OptionWords = {
  name: 'config',
  value: { name: 'FILE', kind: 'file' },
  variable: 'SONDE_CONFIG',
  help: 'settings as JSON; config.json in the folder given by --state, or below ~/.config/sonde, unless said',
}

/** `--lang` of what hosts read. */
export const langOption: OptionWords = {
  name: 'lang',
  value: { name: 'LANG', kind: languages },
  help: 'language to speak to the host in; the one chosen at setup, else that of the locale, else French',
}

export const verboseOption: OptionWords = {
  name: 'verbose',
  help: 'on a terminal, show every row also where the link leads nowhere and all of them say so',
}

export const jsonOption: OptionWords = { name: 'json', help: 'print one JSON object' }
