// Which protocols a handshake offers. HTTP/2 comes first, except under a Node.js whose HTTP/2 can be made to abort
// the process: nghttp2 before 1.68.1 fails an assertion on three small frames from a server (CVE-2026-27135), Node 20
// has 1.61, and nothing in JavaScript can catch it. A probe that a measured site can kill measures nothing.

const safeSince = [1, 68, 1] as const

/** @param nghttp2 - Version of the library behind `node:http2`. */
export function offeredProtocols(nghttp2: string = process.versions.nghttp2 ?? ''): readonly string[] {
  return isSafe(nghttp2) ? ['h2', 'http/1.1'] : ['http/1.1']
}

function isSafe(version: string): boolean {
  const parts = version.split('.').map(Number)
  for (const [index, least] of safeSince.entries()) {
    const part = parts[index]
    if (part === undefined || !Number.isInteger(part)) return false
    if (part !== least) return part > least
  }
  return true
}
