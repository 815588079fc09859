// What boxes do to answers: a page in place of a refusal, an offset that is not the collector's, content that is packed.

import { gzipSync } from 'node:zlib'

export interface PassingAnswer {
  readonly status: number
  readonly fields: readonly string[]
  readonly body: Buffer
}

/** What becomes of an answer on its way. */
export type AnswerManner = (answer: PassingAnswer) => PassingAnswer

const page = Buffer.from('<html>Something went wrong</html>')
const asPage = ({ fields }: PassingAnswer, status: number): PassingAnswer => ({
  status,
  fields: [...without(fields, 'content-type'), 'Content-Type: text/html'],
  body: page,
})

export const answerManners = {
  'pages for errors': (answer) => (answer.status >= 400 ? asPage(answer, answer.status) : answer),
  'page for a 404': (answer) => (answer.status === 404 ? asPage(answer, 200) : answer),
  packs: (answer) =>
    answer.body.length === 0
      ? answer
      : { ...answer, fields: [...answer.fields, 'Content-Encoding: gzip'], body: gzipSync(answer.body) },
  'offsets too high': (answer) => ({
    ...answer,
    fields: answer.fields.map((field) =>
      field.replace(/^(upload-offset: )(\d+)$/i, (_, name, offset) => `${name}${Number(offset) + 7}`),
    ),
  }),
} as const satisfies Record<string, AnswerManner>

function without(fields: readonly string[], name: string): string[] {
  return fields.filter((field) => !field.toLowerCase().startsWith(`${name}:`))
}

/**
 * Reads the answers of one connection as they pass, of which none is to a HEAD.
 * @returns Gets each chunk, and gives what is handed on in its place.
 */
export function rewriting(manner: AnswerManner): (chunk: Buffer) => Buffer {
  let waiting = Buffer.alloc(0)
  let isLeftAlone = false
  return (chunk) => {
    waiting = Buffer.concat([waiting, chunk])
    const out: Buffer[] = []
    // Nothing is read of what is encrypted.
    if (!'HTTP/'.startsWith(waiting.toString('latin1', 0, 5))) isLeftAlone = true
    while (!isLeftAlone) {
      const end = waiting.indexOf('\r\n\r\n')
      if (end < 0) break
      const [first = '', ...fields] = waiting.toString('latin1', 0, end).split('\r\n')
      const status = Number(first.split(' ')[1])
      const named = fields.find((field) => /^content-length:/i.test(field))
      // What is sent in chunks comes from a front that has made it longer than all that is meant here.
      isLeftAlone = fields.some((field) => /^transfer-encoding:/i.test(field))
      if (isLeftAlone) break
      const size = named === undefined ? 0 : Number(named.split(':')[1])
      if (waiting.length < end + 4 + size) break
      const body = waiting.subarray(end + 4, end + 4 + size)
      waiting = waiting.subarray(end + 4 + size)
      out.push(written(manner({ status, fields, body }), named !== undefined))
    }
    if (isLeftAlone) {
      out.push(waiting)
      waiting = Buffer.alloc(0)
    }
    return Buffer.concat(out)
  }
}

function written({ status, fields, body }: PassingAnswer, hasLength: boolean): Buffer {
  const length = hasLength || body.length > 0 ? [`Content-Length: ${body.length}`] : []
  const lines = [`HTTP/1.1 ${status} As it is`, ...without(fields, 'content-length'), ...length, '', '']
  return Buffer.concat([Buffer.from(lines.join('\r\n'), 'latin1'), body])
}
