// What a batch says of the time where nothing but the clock is known.

import type { Manifest } from '../../tests-spec/protocol/batch.ts'
import type { Clock } from '../platform/clock.ts'

export function timeBy(clock: Clock): Manifest['time'] {
  const quality = clock.quality()
  return {
    wall: Math.max(0, Math.round(clock.now())),
    bootId: clock.bootId,
    monoMs: Math.max(0, Math.round(clock.monotonicMs())),
    src: quality === 'synced' ? 'ntp' : quality === 'receipt' ? 'receipt' : 'none',
    // The system says that the clock was synchronised, but not how precisely.
    uncMs: null,
  }
}
