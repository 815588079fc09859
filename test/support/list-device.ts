// A device with a simulated disk and a repository of signed lists, for tests of the update.

import { ListUpdate, type ListUpdateOptions, type UpdateClock } from '../../agent/update/list-update.ts'
import type { UpdateSource } from '../../agent/update/source.ts'
import { deviceLimits } from '../../tests-spec/lists/tuf/trusted-set.ts'
import { SampleLists } from './sample-lists.ts'
import { SimulatedDisk } from './simulated-disk.ts'

export const core = 'core/list.json'
export const bamako = 'groups/bamako/list.json'
export const days = 86_400_000
export const begin = Date.parse('2027-01-10T12:00:00Z')
export const at = (day: number): UpdateClock => ({
  nowMs: begin + day * days,
  isTrusted: true,
  latestMs: null,
})
export const unsure = (day: number): UpdateClock => ({
  nowMs: begin + day * days,
  isTrusted: false,
  latestMs: null,
})

/** Two groups, and a list of the core and of one of them. */
export function repository(): SampleLists {
  const lists = new SampleLists(begin)
  lists.addGroup('bamako')
  lists.addGroup('kayes')
  lists.lists.set(core, Buffer.from('core 1'))
  lists.group('bamako').lists.set(bamako, Buffer.from('bamako 1'))
  lists.publish()
  return lists
}

export class ListDevice {
  disk = new SimulatedDisk()
  readonly #lists: SampleLists
  readonly #options: Partial<ListUpdateOptions>

  constructor(lists: SampleLists, options: Partial<ListUpdateOptions> = {}) {
    this.#lists = lists
    this.#options = options
  }

  open(options: Partial<ListUpdateOptions> = {}): Promise<ListUpdate> {
    return ListUpdate.open({
      dir: '/update',
      disk: this.disk,
      root: this.#lists.root,
      floor: new Map(),
      limits: deviceLimits,
      everyRole: true,
      boot: { id: 'boot', monoMs: 0 },
      ...this.#options,
      ...options,
    })
  }

  async refresh(clock: UpdateClock, source: UpdateSource = this.#lists, paths = [core, bamako]) {
    return (await this.open()).refresh(source, paths, clock)
  }

  /** By a process that has only the disk. */
  async measured(path = core): Promise<string | null> {
    const list = await (await this.open()).inForce(path)
    return list === null ? null : Buffer.from(list.bytes).toString()
  }
}

/** Publishes another list of the core. */
export function publish(lists: SampleLists, text: string): void {
  lists.lists.set(core, Buffer.from(text))
  lists.publish()
}
