// `sonde-collector token`: prints a token that enrols one probe. Runs beside a collector that serves: the token is a file
// that it will find.

import { existsSync } from 'node:fs'
import { openCollectorKey } from '../archive/collector-key.ts'
import { TokenBox } from '../archive/token-box.ts'
import { type Command, stateOption } from './invocation.ts'
import { existingState, makeState } from './state-folder.ts'

export const tokenCommand: Command = {
  name: 'token',
  summary: 'print a token that enrols one probe',
  more: 'It is shown once and works once. The state folder must be there: serve makes it, or mkdir.',
  operands: [],
  options: [stateOption],
  async run({ given, terminal }) {
    const folder = given.value('state') ?? ''
    // A name that was mistyped would make a second collector, whose tokens nobody else knows.
    if (!existsSync(folder)) existingState(folder)
    const state = await makeState(folder)
    const key = await openCollectorKey(state)
    const tokens = await TokenBox.open(state)
    terminal.out(`${await tokens.issue(key.id, Date.now())}\n`)
    return 0
  },
}
