// `sonde-collector retry [BATCH...]`: gives batches that were set aside another chance, which they have at the next start
// of the collector or the next rebuild of its index.

import * as v from 'valibot'
import { type BatchId, batchId } from '../../tests-spec/protocol/batch.ts'
import { Attempts } from '../archive/attempts.ts'
import { CommandFailed } from './command-failed.ts'
import { type Command, type Invocation, stateOption, tell } from './invocation.ts'
import { existingState } from './state-folder.ts'

export const retryCommand: Command = {
  name: 'retry',
  summary: 'give batches that were set aside another chance to be indexed',
  more: 'Without BATCH all of them. The collector tries them when it starts again.',
  operands: [
    {
      name: 'BATCH',
      kind: 'text',
      count: 'any',
      check: (text) => (v.is(batchId, text) ? null : '64 hex digits'),
    },
  ],
  options: [stateOption],
  run: retry,
}

async function retry({ given, terminal }: Invocation): Promise<number> {
  const state = existingState(given.value('state') ?? '')
  const attempts = Attempts.open(state)
  const asked = given.operands.map((text) => v.parse(batchId, text))
  const others = asked.filter((id) => !attempts.isSetAside(id))
  if (others.length > 0)
    throw new CommandFailed('not_set_aside', `Not set aside in ${state}: ${others.join(', ')}.`)
  const batches: readonly BatchId[] = asked.length === 0 ? attempts.setAside : asked
  for (const id of batches) attempts.done(id)
  tell(terminal, { event: 'to_be_retried', batches })
  return 0
}
