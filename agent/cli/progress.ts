// How far a cycle is: a bar that redraws itself on a terminal, a line now and then elsewhere.

export interface Progress {
  step(done: number, of: number): void
  /** Takes the bar off the screen, so that what follows starts on a clean line. */
  clear(): void
}

/** @param columns - Width of the terminal; null when the output is none. */
export function progressBar(write: (text: string) => void, columns: number | null): Progress {
  if (columns === null) return quietProgress(write)
  const width = Math.max(10, Math.min(40, columns - 26))
  return {
    step(done, of) {
      const filled = Math.round((done / of) * width)
      write(`\r  measuring ${'█'.repeat(filled)}${'░'.repeat(width - filled)} ${done}/${of} `)
    },
    clear: () => write('\r\u001b[2K'),
  }
}

/** A log file gets four lines a cycle, not forty. */
function quietProgress(write: (text: string) => void): Progress {
  let quarter = 0
  return {
    step(done, of) {
      const now = Math.floor((done / of) * 4)
      if (now > quarter) write(`measured ${done} of ${of}\n`)
      quarter = now % 4
    },
    clear() {},
  }
}
