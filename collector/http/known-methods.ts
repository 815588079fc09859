// Which methods each address has, for a request that came with another: it is told those, and not that there is nothing
// (RFC 9110 §15.5.6).

export class KnownMethods {
  /** By the path of a route, as it was registered. */
  readonly #routes = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()

  /** @param path - With a colon before what stands for one part of an address. */
  add(path: string, methods: readonly string[]): void {
    const pattern = new RegExp(`^${path.replace(/:\w+/g, '[^/]+').replace(/\*$/, '.+')}$`)
    const route = this.#routes.get(path) ?? { pattern, methods: new Set() }
    for (const each of methods) route.methods.add(each)
    this.#routes.set(path, route)
  }

  /** @returns Of the address of a request; empty where nothing is. */
  at(url: string): string[] {
    const [path = ''] = url.split('?')
    const routes = [...this.#routes.values()].filter(({ pattern }) => pattern.test(path))
    return [...new Set(routes.flatMap(({ methods }) => [...methods]))].sort()
  }
}
