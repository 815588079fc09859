// `sonde-collector revoke DEVICE`: takes nothing more from a probe. Runs beside a collector that serves, which finds it
// with the next batch of the probe.

import * as v from 'valibot'
import { deviceId } from '../../tests-spec/protocol/batch.ts'
import { openCollectorKey } from '../archive/collector-key.ts'
import { ProbeRegister } from '../archive/probe-register.ts'
import { CommandFailed } from './command-failed.ts'
import { type Command, type Invocation, stateOption, tell } from './invocation.ts'
import { existingState } from './state-folder.ts'

export const revokeCommand: Command = {
  name: 'revoke',
  summary: 'take nothing more from a probe, at once and for good',
  more: 'What it sent before stays.',
  operands: [
    {
      name: 'DEVICE',
      kind: 'text',
      count: 'one',
      check: (text) => (v.is(deviceId, text) ? null : '32 hex digits'),
    },
  ],
  options: [stateOption, { name: 'undo', help: 'take batches of the probe again' }],
  run: revoke,
}

async function revoke({ given, terminal }: Invocation): Promise<number> {
  const state = existingState(given.value('state') ?? '')
  const device = v.parse(deviceId, given.operands[0])
  const undo = given.has('undo')
  const key = await openCollectorKey(state)
  const probes = await ProbeRegister.open(state, key.id)
  if (probes.get(device) === null)
    throw new CommandFailed('unknown_probe', `No probe ${device} is enrolled in ${state}.`)
  await (undo ? probes.readmit(device) : probes.revoke(device, Date.now()))
  tell(terminal, { event: undo ? 'readmitted' : 'revoked', device })
  return 0
}
