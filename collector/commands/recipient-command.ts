// `sonde-collector recipient`: prints the key that probes seal to for a stick. Runs beside a collector that serves.

import { openCollectorKey } from '../archive/collector-key.ts'
import { ProbeRegister } from '../archive/probe-register.ts'
import { openSealingKey, sealingKeyPath } from '../archive/sealing-key.ts'
import { type Command, stateOption } from './invocation.ts'
import { existingState } from './state-folder.ts'

export const recipientCommand: Command = {
  name: 'recipient',
  summary: 'print the key that probes seal to for a stick',
  more: 'Back up the file that it names: without it nothing that probes seal can be opened.',
  operands: [],
  options: [stateOption],
  async run({ given, terminal }) {
    const state = existingState(given.value('state') ?? '')
    const key = await openCollectorKey(state)
    const register = await ProbeRegister.open(state, key.id)
    const promised = register.all().some((probe) => probe.recipient !== null)
    const { recipient } = await openSealingKey(state, promised)
    terminal.out(`${recipient}\n`)
    terminal.err(`Back up ${sealingKeyPath(state)}: without it nothing that probes seal can be opened.\n`)
    return 0
  },
}
