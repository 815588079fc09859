// The connections that are open, and who gives way when there are too many: never one that has shown a batch of an enrolled
// probe, and of the others the oldest of the network that has most.

import type { Socket } from 'node:net'
import { sourceOf } from '../source-of.ts'

export class Connections {
  readonly #most: number
  /** Those that have shown nothing, by network, the oldest first. */
  readonly #strangers = new Map<string, Set<Socket>>()
  #open = 0

  constructor(most: number) {
    this.#most = most
  }

  add(socket: Socket): void {
    const source = sourceOf(socket.remoteAddress ?? '')
    const ofSource = this.#strangers.get(source) ?? new Set()
    ofSource.add(socket)
    this.#strangers.set(source, ofSource)
    this.#open++
    socket.once('close', () => {
      this.#open--
      this.#remove(source, socket)
    })
    if (this.#open > this.#most) this.#makeRoom(socket)
  }

  /** An enrolled probe is at the other end. */
  known(socket: Socket): void {
    this.#remove(sourceOf(socket.remoteAddress ?? ''), socket)
  }

  #makeRoom(newest: Socket): void {
    let most: Set<Socket> | null = null
    for (const each of this.#strangers.values()) if (most === null || each.size > most.size) most = each
    const [oldest = newest] = most ?? []
    oldest.destroy()
  }

  #remove(source: string, socket: Socket): void {
    const ofSource = this.#strangers.get(source)
    if (ofSource === undefined) return
    ofSource.delete(socket)
    if (ofSource.size === 0) this.#strangers.delete(source)
  }
}
