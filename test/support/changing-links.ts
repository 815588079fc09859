// Prints as JSON what ownAddresses() returns before and after each of the shell commands given: own-addresses.test.ts
// runs it in a network namespace.

import { execFileSync } from 'node:child_process'
import { type OwnAddresses, ownAddresses } from '../../agent/platform/own-addresses.ts'

const [localAddress = '', ...commands] = process.argv.slice(2)

async function look(): Promise<Record<'bound' | 'free', OwnAddresses>> {
  return { bound: await ownAddresses(localAddress), free: await ownAddresses(null) }
}

const seen = [await look()]
for (const command of commands) {
  execFileSync('sh', ['-c', command], { stdio: ['ignore', 'ignore', 'inherit'] })
  seen.push(await look())
}
console.log(JSON.stringify(seen))
