// A process outside the country: the test helper, as the collector runs it, but trusting the lab's authority and
// without a limit on how often one may ask. Argument `abroad`: in the other country, with one beside it that lies.

import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { TestHelper } from '../../collector/test-helper/test-helper.ts'
import type { TestHelperResponse } from '../../tests-spec/protocol/test-helper.ts'
import { readKeys } from './keys.ts'
import { lie } from './lying-helper.ts'
import { listen } from './pages.ts'
import { abroad, outside, publicResolvers } from './topology.ts'

const { caPem } = readKeys()
const helper = new TestHelper(
  { allowPrivate: false, resolver: { ip: publicResolvers[1], port: 53 } },
  // Suites ask more often than devices do: for them a millisecond counts as a minute.
  { extraCa: [caPem], now: () => performance.now() * 60_000 },
)

/** @param told - What it makes of what it saw. */
const serverOf = (told: (seen: TestHelperResponse) => TestHelperResponse) =>
  createServer(async (request, response) => {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const asked = await json(request).catch(() => null)
    const answer = await helper.answer(asked, request.socket.remoteAddress ?? '', gone.signal)
    response.writeHead(answer.kind === 'measured' ? 200 : answer.status, {
      'content-type': 'application/json',
    })
    response.end(JSON.stringify(answer.kind === 'measured' ? told(answer.response) : { code: answer.code }))
  })
if (process.argv[2] === 'abroad') {
  await listen(
    serverOf((seen) => seen),
    abroad.helperPort,
    abroad.address,
  )
  await listen(serverOf(lie), abroad.liarPort, abroad.address)
} else
  await listen(
    serverOf((seen) => seen),
    outside.helperPort,
    outside.address,
  )
process.stdout.write('ready\n')
