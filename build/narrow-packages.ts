// Removes from undici what the agent never runs, as an esbuild plugin. Volunteers' devices load less code,
// and the bundle needs no worker threads and no child processes. ADR 0007 has the sizes.
//
// A module that was removed throws a plain sentence if it is used after all, and bundle.test.ts fails when one of
// them moves: the files named here are not a public interface, so the packages are pinned exactly.

import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import type { OnLoadResult, OnResolveArgs, Plugin } from 'esbuild'

const require = createRequire(import.meta.url)

/** One module that is replaced: which module imports it, under which name, and what takes its place. */
interface Cut {
  readonly importer: RegExp
  readonly path: RegExp
  /** Why nothing is lost; the error says it too, if one is thrown. */
  readonly because: string
  readonly contents: string
}

const throws = (because: string) => `throw new Error(${JSON.stringify(`Left out of the bundle: ${because}`)})`

function cut(importer: RegExp, path: RegExp, because: string, contents?: (refusal: string) => string): Cut {
  return { importer, path, because, contents: contents?.(throws(because)) ?? throws(because) }
}

const inUndici = /[\\/]undici[\\/]lib[\\/]/

/**
 * These cuts are safe because of what the agent does not do; code that begins to do it gets the error, in a test or
 * at once.
 */
export const cuts: readonly Cut[] = [
  cut(
    inUndici,
    /web\/fetch\/body(\.js)?$/,
    'bodies are Buffers, streams or none, so undici never has to take a FormData apart',
  ),
  // undici imports this module inside a try and falls back to its portable twin: the error makes it fall back.
  cut(
    inUndici,
    /llhttp_simd-wasm(\.js)?$/,
    'the portable llhttp answers the same, and one twin is 72 kB less',
  ),
  cut(
    inUndici,
    /^\.\/client-h2(\.js)?$/,
    'HTTP/2 is spoken by node:http2 (ADR 0011), so no socket that undici is given has chosen it',
    (refusal) => `module.exports = () => { ${refusal} }`,
  ),
  // undici wants two values of this module, for which a start would load a dozen of Node's modules.
  cut(
    inUndici,
    /^node:http$/,
    'the agent serves no HTTP, and bodies are never those of a server of node:http',
    () => 'module.exports = { maxHeaderSize: 16384, IncomingMessage: class IncomingMessage {} }',
  ),
]

/**
 * In the source, `import { Client } from 'undici'` is the whole of undici, 535 kB. In a bundle it is this: the client
 * and the modules that it needs. Importing another name is an error of the build. The methods that the whole of
 * undici adds to the client still pass the type check, so each throws an error that says what is wrong.
 */
function narrowUndici(): string {
  const client = join(dirname(require.resolve('undici/package.json')), 'lib', 'dispatcher', 'client.js')
  return `
    import Client from ${JSON.stringify(client)}
    for (const name of ['request', 'stream', 'pipeline', 'upgrade', 'connect']) {
      Client.prototype[name] = () => { ${throws('the agent uses Client.dispatch() only')} }
    }
    export { Client }
  `
}

/** The parser as WebAssembly is 54 kB, 72 kB in base64, and a third of that when it is compressed first. */
function packed(wasm: Buffer): string {
  const text = brotliCompressSync(wasm, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: wasm.length } })
  return `
    const { brotliDecompressSync } = require('node:zlib')
    module.exports = brotliDecompressSync(Buffer.from(${JSON.stringify(text.toString('base64'))}, 'base64'))
  `
}

/** Of its tables of methods, states and characters the client asks for the codes of errors and the kind of message alone. */
function codesOf({ ERROR, TYPE }: { readonly ERROR: object; readonly TYPE: object }): string {
  return `module.exports = ${JSON.stringify({ ERROR, TYPE })}`
}

export function narrowPackages(): Plugin {
  return {
    name: 'narrow-packages',
    setup(build) {
      const cutAsked = ({ importer, path }: OnResolveArgs) =>
        cuts.findIndex((each) => each.importer.test(importer) && each.path.test(path))

      build.onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'narrow' }))
      build.onResolve({ filter: /client-h2|body|simd|^node:http$/ }, (asked) => {
        const index = cutAsked(asked)
        return index === -1 ? undefined : { path: String(index), namespace: 'cut' }
      })
      build.onLoad({ filter: /[\\/]llhttp-wasm\.js$/ }, ({ path }) => load(packed(require(path))))
      build.onLoad({ filter: /[\\/]llhttp[\\/]constants\.js$/ }, ({ path }) => load(codesOf(require(path))))
      build.onLoad({ filter: /.*/, namespace: 'narrow' }, () => load(narrowUndici()))
      build.onLoad({ filter: /.*/, namespace: 'cut' }, ({ path }) => load(cuts[Number(path)]?.contents ?? ''))
    },
  }
}

function load(contents: string): OnLoadResult {
  return { contents, loader: 'js', resolveDir: dirname(require.resolve('undici/package.json')) }
}
