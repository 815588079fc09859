// The results of `verifyBatches()` in words for a person: one paragraph a file, then one a chain.

import type { Manifest } from './batch.ts'
import {
  type CheckedChain,
  type CheckedFile,
  type GoodFile,
  listed,
  type Verification,
} from './verify-batches.ts'

export function verificationText({ files, chains }: Verification): string {
  return [...files.map(fileText), ...chains.map(chainText)].map((text) => `${text}\n`).join('\n')
}

function fileText(checked: CheckedFile): string {
  if (checked.code !== null)
    return `${plain(checked.file)}: NOT BELIEVED [${checked.code}]\n  ${plain(checked.problem)}`
  const { file, id, manifest } = checked
  const { device, epoch, seq, prev, agent, backlog } = manifest
  const waiting = backlog && `${backlog.records} records and ${backlog.batches} batches waited on the probe`
  return paragraph(`${plain(file)}: good`, {
    batch: id,
    device: `${device}, whose key signed it`,
    place: `epoch ${epoch}, seq ${seq}`,
    prev,
    sealed: sealedText(manifest),
    records: recordsText(manifest),
    measured: measuredText(checked),
    lost: manifest.lost.map(({ reason, ranges }) => `${reason} ${listed(ranges)}`).join('; ') || 'none',
    lists:
      Object.entries(manifest.lists)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ') || 'none',
    agent: agent.version,
    ...(waiting === undefined ? {} : { backlog: waiting }),
  })
}

function sealedText({ time, why }: Manifest): string {
  const error = time.uncMs === null ? 'error unknown' : `at most ${time.uncMs} ms wrong`
  return `${instant(time.wall)} by the probe's clock (from ${time.src}, ${error}), ${time.monoMs} ms into boot ${time.bootId}; why: ${why}`
}

function recordsText({ records: { n, ranges, classes } }: Manifest): string {
  if (n === 0) return 'none'
  const { anomaly, routine, diagnostic } = classes
  return `${n}, numbers ${listed(ranges)}: ${anomaly} anomaly, ${routine} routine, ${diagnostic} diagnostic`
}

function measuredText({ measured, clocks }: GoodFile): string {
  if (measured === null) return 'nothing'
  const qualities = Object.entries(clocks).map(([quality, n]) => `${n} ${quality}`)
  return `${instant(measured[0])} to ${instant(measured[1])} by the probe's clock: ${qualities.join(', ')}`
}

function chainText({ device, epoch, seqs, missing, unnamed, faults }: CheckedChain): string {
  const unbroken = faults.length === 0 ? 'every link that can be checked holds' : null
  return paragraph(`Chain of ${device}, epoch ${epoch}`, {
    held: `seq ${listed(seqs)}`,
    missing:
      missing.length === 0 ? 'none below the highest' : `seq ${listed(missing)}, not among these files`,
    links:
      unbroken ??
      faults
        .map(({ code, seq, problem }) => `BROKEN [${code}] at seq ${seq}: ${problem}`)
        .join('\n            '),
    unnamed:
      unnamed === null
        ? 'cannot be said while batches are missing'
        : unnamed.length === 0
          ? 'no record below the highest number is unaccounted for'
          : `records ${listed(unnamed)} are in no batch here and not named as lost: unsealed yet, or taken away`,
  })
}

function paragraph(title: string, lines: Readonly<Record<string, string>>): string {
  return [
    title,
    ...Object.entries(lines).map(
      ([name, text]) => `  ${name.padEnd(10)}${text.split('\n').map(plain).join('\n')}`,
    ),
  ].join('\n')
}

/** A clock may be set to any value, also to one for which JavaScript has no date. */
function instant(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}

/** Text that a probe wrote must not control the reader's terminal. */
function plain(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}/gu, '?')
}
