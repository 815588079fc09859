// What stands for a target or a control in a file that stays on the device. Pure.

import { sha256Hex } from '../../tests-spec/protocol/batch.ts'

/** Says nothing by itself; a guess can be confirmed with it, and a list of guesses tried. 64 bits keep any list apart. */
export function opaqueId(name: string): string {
  return sha256Hex(Buffer.from(name)).slice(0, 16)
}
