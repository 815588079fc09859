// What the commands for sticks say to a person: what was done, what it means, and what to do next.

import { safeText } from '../../tests-spec/command-line/safe-text.ts'
import type { CarryReport } from '../stick/carry.ts'
import type { ExportReport } from '../stick/export-batches.ts'
import type { ImportReport } from '../stick/import-receipts.ts'

export function exportedText(report: ExportReport, path: string): string {
  const { files, bytes, batches, there, damaged, sealed } = report
  const lines = []
  if (batches > 0)
    lines.push(
      `Wrote ${count(batches, 'batch')} in ${count(files.length, 'file')} (${kilobytes(bytes)}) to ${path}.`,
    )
  if (there > 0) lines.push(`Already there: ${count(there, 'batch')}.`)
  if (damaged.length > 0) lines.push(`Damaged since the last time, and written again: ${named(damaged)}.`)
  if (batches + there === 0 && sealed) lines.push('Nothing waits on this device: nothing was written.')
  if (batches + there > 0)
    lines.push(
      `They are sealed: nobody but the collector can read them. They stay on this device as well until their`,
      `receipts come back. Bring the stick to the coordinator, then: sonde import-receipts ${path}`,
    )
  if (!sealed)
    lines.push("Not everything could be exported: this device's own disk refuses. Look at its card.")
  return `${lines.join('\n')}\n`
}

export function importedText(report: ImportReport, path: string): string {
  const { forgotten, known, foreign, refused, unreadable, removed, pending } = report
  const lines = [
    forgotten.length === 0
      ? `No new receipts for this device in ${path}.`
      : `The collector has ${count(forgotten.length, 'batch')}; this device has forgotten them.`,
  ]
  if (known > 0) lines.push(`Nothing new: ${count(known, 'receipt')}.`)
  if (foreign > 0) lines.push(`Not for this device, and left: ${count(foreign, 'line')}.`)
  for (const { batch, code } of refused)
    lines.push(`The collector refused batch ${batch} [${safeText(code, 40)}]: tell the coordinator.`)
  if (unreadable.length > 0) lines.push(`Cannot be read: ${named(unreadable)}.`)
  if (removed.length > 0) lines.push(`Removed from the stick, being delivered: ${named(removed)}.`)
  if (pending > 0) lines.push(`Still waiting on this device: ${count(pending, 'batch')}.`)
  return `${lines.join('\n')}\n`
}

export function listsText(files: number): string {
  return files === 0
    ? ''
    : 'Test lists were on the stick. The agent looks through them by its next cycle: sonde status shows which are in force.\n'
}

export function carriedText(report: CarryReport, path: string): string {
  const { taken, known, own, noRoom, gaveUp, passedOver, receipts, written, waiting } = report
  const lines = [
    `Took ${count(taken.length, 'sealed file')} of other devices from ${path}; ${waiting} now wait here.`,
  ]
  if (waiting > 0) lines.push('They leave with the next upload. Nobody here can read them.')
  if (known > 0) lines.push(`Taken before: ${count(known, 'file')}.`)
  if (own > 0) lines.push(`Of this device, which uploads them itself: ${count(own, 'file')}.`)
  if (noRoom.length > 0) lines.push(`No room for ${named(noRoom)}: they stay on the stick.`)
  if (gaveUp.length > 0)
    lines.push(
      `Given up for them, of earlier sticks: ${count(gaveUp.length, 'file')}. Their devices still have what is in them.`,
    )
  if (passedOver.length > 0) lines.push(`Damaged, or no sealed files: ${named(passedOver)}.`)
  if (receipts > 0)
    lines.push(`Put ${count(receipts, 'receipt')} on the stick, in ${named(written)}. Carry it back.`)
  return `${lines.join('\n')}\n`
}

/** A stick may have thousands. */
const maxNames = 20

/** Names of files on a stick are the words of those who filled it. */
function named(names: readonly string[]): string {
  const shown = names.slice(0, maxNames).map((name) => safeText(name, 80))
  return [...shown, ...(names.length > maxNames ? [`${names.length - maxNames} more`] : [])].join(', ')
}

function count(n: number, thing: string): string {
  const plural = thing.endsWith('ch') ? `${thing}es` : `${thing}s`
  return `${n} ${n === 1 ? thing : plural}`
}

function kilobytes(bytes: number): string {
  return `${Math.max(1, Math.round(bytes / 1000))} kB`
}
