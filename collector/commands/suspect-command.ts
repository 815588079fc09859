// `sonde-collector suspect DEVICE --since TIME`: the device was stolen or seized, or its key copied. What came from then on is marked
// for whoever reads measurements, on the page and in exports.

import * as v from 'valibot'
import { deviceId } from '../../tests-spec/protocol/batch.ts'
import { openCollectorKey } from '../archive/collector-key.ts'
import { ProbeRegister } from '../archive/probe-register.ts'
import { clearSuspicion, suspect } from '../archive/suspicions.ts'
import { expectedInstead, readExportRequest } from '../export/request.ts'
import { CommandFailed } from './command-failed.ts'
import { type Command, type Invocation, stateOption, tell } from './invocation.ts'
import { existingState } from './state-folder.ts'

export const suspectCommand: Command = {
  name: 'suspect',
  summary: 'mark what a probe has sent since it was stolen, or its key copied',
  more: 'Nothing is refused or removed: what came from then on is marked on the page and in exports. Works while the collector runs. A probe that shall send nothing more: revoke.',
  operands: [
    {
      name: 'DEVICE',
      kind: 'text',
      count: 'one',
      check: (text) => (v.is(deviceId, text) ? null : '32 hex digits'),
    },
  ],
  options: [
    stateOption,
    {
      name: 'since',
      value: { name: 'TIME', kind: 'text', check: (text) => expectedInstead('since', text) },
      excludes: 'undo',
      help: 'received from then on: a date, or a time with its zone; all of it unless said',
    },
    { name: 'undo', help: 'take the mark away' },
  ],
  run: suspectDevice,
}

async function suspectDevice({ given, terminal }: Invocation): Promise<number> {
  const state = existingState(given.value('state') ?? '')
  const device = v.parse(deviceId, given.operands[0])
  const probes = await ProbeRegister.open(state, (await openCollectorKey(state)).id)
  if (probes.get(device) === null)
    throw new CommandFailed('unknown_probe', `No probe ${device} is enrolled in ${state}.`)
  if (given.has('undo')) {
    await clearSuspicion(state, device)
    tell(terminal, { event: 'not_suspected', device })
    return 0
  }
  const said = given.value('since')
  const asked = readExportRequest(said === null ? {} : { since: said })
  const since = asked.kind === 'read' ? (asked.selection.receivedSince ?? 0) : 0
  await suspect(state, device, since)
  tell(terminal, { event: 'suspected', device, since: new Date(since).toISOString() })
  return 0
}
