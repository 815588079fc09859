// The test list of the lab's devices: its controls, resolvers and helper, in the place of the core list's.

import { parseTestList } from '../../tests-spec/lists/test-list.ts'
import { advertisers, controlBody, controlNames, helperUrl, publicResolvers } from './topology.ts'

export const labList = parseTestList({
  name: 'lab',
  version: 1,
  entries: [{ nettest: 'web_connectivity', input: 'https://news.example/', category_code: 'NEWS' }],
  controls: controlNames.map((name) => ({
    url: `http://${name}/`,
    expect: { status: 200, body: controlBody },
  })),
  resolvers: [{ transport: 'udp', ip: publicResolvers[0], port: 53 }],
  helpers: [helperUrl],
  neutral_name: 'example.org',
  filtered_names: advertisers,
})
