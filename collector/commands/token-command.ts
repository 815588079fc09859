// `sonde-collector token`: prints a token that enrols one probe. Runs beside a collector that serves: the token is a file
// that it will find.

import { openCollectorKey } from '../archive/collector-key.ts'
import { TokenBox } from '../archive/token-box.ts'
import { type Command, stateOption } from './invocation.ts'
import { makeState } from './state-folder.ts'

export const tokenCommand: Command = {
  name: 'token',
  summary: 'print a token that enrols one probe',
  more: 'It is shown once and works once. The state folder is made when it is missing.',
  operands: [],
  options: [stateOption],
  async run({ given, terminal }) {
    const state = await makeState(given.value('state') ?? '')
    const key = await openCollectorKey(state)
    const tokens = await TokenBox.open(state)
    terminal.out(`${await tokens.issue(key.id, Date.now())}\n`)
    return 0
  },
}
