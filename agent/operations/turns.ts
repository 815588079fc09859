// How many operations of a kind may go on at once in this process; the others wait their turn, first come first
// served. Waiting is no evidence about any network: it ends before an operation's time begins.

export interface Turns {
  /**
   * @returns A function that gives the turn back, once; null when `signal` fired first: there is then nothing to give
   * back.
   */
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
