// The present moment of a device whose clock is right.

import type { Present } from '../../agent/plan/present.ts'

export const toldAt = (wallMs: number): Present => ({ leastMs: wallMs, mostMs: wallMs, isTold: true })
