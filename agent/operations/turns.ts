// How many of a kind go on at once in this process; the rest wait their turn, first come first served. Waiting is
// nobody's evidence: it ends before an operation's time begins.

export interface Turns {
  /** @returns What gives the turn back, once; null when `signal` fired first, and then there is nothing to give back. */
  take(signal: AbortSignal): Promise<(() => void) | null>
}

export function turns(most: number): Turns {
  let taken = 0
  const waiting: (() => void)[] = []
  const giver = () => {
    let given = false
    return () => {
      if (given) return
      given = true
      taken -= 1
      waiting.shift()?.()
    }
  }
  return {
    take(signal) {
      if (signal.aborted) return Promise.resolve(null)
      if (taken < most) {
        taken += 1
        return Promise.resolve(giver())
      }
      return new Promise((resolve) => {
        const leave = () => {
          waiting.splice(waiting.indexOf(begin), 1)
          resolve(null)
        }
        const begin = () => {
          signal.removeEventListener('abort', leave)
          taken += 1
          resolve(giver())
        }
        waiting.push(begin)
        signal.addEventListener('abort', leave, { once: true })
      })
    },
  }
}
