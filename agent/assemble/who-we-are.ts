// Whose this device is, as far as that can be known: nothing of it gates a measurement. Without a key that can be read, or with
// an enrolment that cannot be believed, the agent measures and keeps, says so with a code, and sends nothing.

import { type Collector, readEnrolment } from '../enrolment/enrolment.ts'
import { ActionableError } from '../platform/actionable-error.ts'
import { type Identity, makeIdentity, openIdentity } from '../platform/identity.ts'
import type { Log } from '../platform/log.ts'
import type { StateFolder } from '../platform/state-folder.ts'

export interface WhoWeAre {
  readonly identity: Identity
  /** Whether the identity was made for this process alone. */
  readonly keyless: boolean
  /** null while nothing may be sent. */
  readonly collector: Collector | null
}

export async function whoWeAre(folder: StateFolder, log: Pick<Log, 'error'>): Promise<WhoWeAre> {
  const own = await openIdentity(folder.deviceKey).catch(unlessKeyless)
  if (own === null) {
    log.error('S5104')
    return { identity: makeIdentity(), keyless: true, collector: null }
  }
  return { identity: own, keyless: false, collector: collectorOf(folder, own, log) }
}

function collectorOf(folder: StateFolder, { device }: Identity, log: Pick<Log, 'error'>): Collector | null {
  try {
    const collector = readEnrolment(folder.enrolment)
    if (collector === null || collector.enrolledDevice === device) return collector
    log.error('S5103')
  } catch (error) {
    unlessBadState(error)
    log.error('S5102')
  }
  return null
}

/** A key that no disk takes is none either: it would be another one at each start. */
function unlessKeyless(error: unknown): null {
  return error instanceof ActionableError && error.code === 'state_unwritable' ? null : unlessBadState(error)
}

function unlessBadState(error: unknown): null {
  if (error instanceof ActionableError && error.code === 'bad_state') return null
  throw error
}
