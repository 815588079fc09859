import { type Answer, decode, encode, type Packet } from 'dns-packet'
import { describe, expect, it } from 'vitest'
import { addressesIn, makeQuestion, type QueryType, type QuestionForm, readReply } from './dns-message.ts'

function ask(type: QueryType, form: QuestionForm = {}) {
  const question = makeQuestion('www.example.test', type, form)
  if (question === null) throw new Error('Cannot ask')
  return question
}

/** A reply in dns-packet's own terms; `type` may be a number in the form that dns-packet uses. */
function reply(question: ReturnType<typeof ask>, parts: Packet = {}): Buffer {
  const { questions } = decode(question.message)
  return encode({ type: 'response', id: question.id, ...(questions && { questions }), ...parts })
}

const record = (type: string, data: unknown) =>
  ({ type, name: 'www.example.test', ttl: 60, class: 'IN', data }) as unknown as Answer

describe('makeQuestion()', () => {
  it('asks the plainest question unless told otherwise', () => {
    const { message } = ask('A')
    expect(decode(message)).toMatchObject({ flag_rd: true, additionals: [], questions: [{ type: 'A' }] })
  })

  it('asks for type 65 by its number', () => {
    const { message } = ask('HTTPS')
    expect(message.readUInt16BE(message.length - 4)).toBe(65)
  })

  it('adds an OPT record that announces 1,232 bytes and no option', () => {
    const { additionals } = decode(ask('A', { edns: 'plain' }).message)
    expect(additionals).toMatchObject([{ type: 'OPT', udpPayloadSize: 1232, flags: 0, options: [] }])
  })

  it.each([1, 20, 40, 63])('pads to a multiple of 128 bytes, whatever the name (label of %i)', (length) => {
    const question = makeQuestion(`${'a'.repeat(length)}.example.test`, 'AAAA', { edns: 'padded' })
    expect(question?.message.length).toBe(128)
    const longest = makeQuestion(`${'a.'.repeat(100)}test`, 'AAAA', { edns: 'padded' })
    expect(longest?.message.length).toBe(256)
  })

  it('takes the id it is given', () => {
    expect(ask('A', { id: 0 }).message.readUInt16BE(0)).toBe(0)
  })
})

describe('readReply() and what a C library makes of the same message', () => {
  const a = (name: string, data: string) => ({ type: 'A' as const, name, ttl: 60, data })
  const cname = (name: string, data: string) => ({ type: 'CNAME' as const, name, ttl: 60, data })
  const [www, edge] = ['www.example.test', 'edge.example.test']
  it.each<[string, Answer[], string[]]>([
    ['a chain in order', [cname(www, edge), a(edge, '192.0.2.1')], ['192.0.2.1']],
    [
      'names in other letters',
      [cname('WWW.example.TEST', 'Edge.Example.test'), a(edge, '192.0.2.1')],
      ['192.0.2.1'],
    ],
    ['an address before the alias that leads to it', [a(edge, '192.0.2.1'), cname(www, edge)], []],
    [
      'an address of an owner outside the chain',
      [a('other.test', '192.0.2.9'), a(www, '192.0.2.1')],
      ['192.0.2.1'],
    ],
    ['an address of an owner outside the chain alone', [a('other.test', '192.0.2.9')], []],
    ['two addresses', [a(www, '192.0.2.1'), a(www, '192.0.2.2')], ['192.0.2.1', '192.0.2.2']],
  ])('%s', (_name, answers, addresses) => {
    const question = ask('A')
    const reading = readReply(reply(question, { answers }), question)
    expect(reading).toMatchObject({
      fits: true,
      addresses,
      failure: addresses.length > 0 ? null : 'dns_no_answer',
    })
    // The record keeps what came.
    expect(reading).toMatchObject({ answers: { length: answers.length } })
    expect(addressesIn(reply(question, { answers }))).toEqual(addresses)
  })

  it('takes an answer without a question for none, and an error without one for an error', () => {
    const question = ask('A')
    const bare = { questions: [], answers: [a(www, '192.0.2.1')] }
    expect(readReply(reply(question, bare), question)).toMatchObject({ fits: false })
    const error = encode({ type: 'response', id: question.id, flags: 2 })
    expect(readReply(error, question)).toMatchObject({ fits: true, failure: 'dns_servfail_error' })
  })

  it('asks for what was not validated only when told', () => {
    expect(decode(ask('A', { checkingDisabled: true }).message)).toMatchObject({ flag_cd: true })
    expect(decode(ask('A').message)).toMatchObject({ flag_cd: false })
  })
})

describe('readReply()', () => {
  it('keeps the data of an HTTPS record as it came', () => {
    const question = ask('HTTPS')
    const data = Buffer.from('0001000001000302683200', 'hex')
    expect(readReply(reply(question, { answers: [record('UNKNOWN_65', data)] }), question)).toEqual({
      fits: true,
      failure: null,
      rcode: 0,
      truncated: false,
      answers: [{ answer_type: 'HTTPS', ttl: 60, x_sonde_rdata: data.toString('base64') }],
      addresses: [],
    })
  })

  it('calls a record without a name here by its number, as RFC 3597 writes it', () => {
    const question = ask('A')
    const answers = [record('UNKNOWN_64', Buffer.from([1])), record('A', '192.0.2.1')]
    const reading = readReply(reply(question, { answers }), question)
    expect(reading).toMatchObject({
      failure: null,
      answers: [{ answer_type: 'TYPE64' }, { answer_type: 'A' }],
      addresses: ['192.0.2.1'],
    })
  })

  it('finds a CNAME when that was the question, and no address in it', () => {
    const question = ask('CNAME')
    const answers = [record('CNAME', 'edge.example.test')]
    expect(readReply(reply(question, { answers }), question)).toMatchObject({
      failure: null,
      addresses: [],
      answers: [{ answer_type: 'CNAME', hostname: 'edge.example.test' }],
    })
  })

  it('says dns_no_answer for an alias where an HTTPS record was asked for', () => {
    const question = ask('HTTPS')
    const answers = [record('CNAME', 'edge.example.test')]
    expect(readReply(reply(question, { answers }), question)).toMatchObject({ failure: 'dns_no_answer' })
  })

  it('does not take an HTTPS record that breaks off for a whole one', () => {
    const question = ask('HTTPS')
    const whole = reply(question, { answers: [record('UNKNOWN_65', Buffer.alloc(20))] })
    expect(readReply(whole.subarray(0, -5), question)).toMatchObject({
      failure: 'dns_server_misbehaving',
      answers: null,
    })
  })

  it('joins the two halves of a response code above 15', () => {
    const question = ask('A', { edns: 'plain' })
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 1232, extendedRcode: 1, options: [] }
    const additionals = [opt as unknown as Answer]
    expect(readReply(reply(question, { additionals }), question)).toMatchObject({
      rcode: 16,
      failure: 'dns_server_misbehaving',
    })
  })

  it('does not follow the pointers of a message longer than any answer', () => {
    const question = ask('A')
    const answers = Array.from({ length: 1_200 }, () => record('A', '192.0.2.1'))
    const long = reply(question, { answers })
    expect(long.length).toBeGreaterThan(16 * 1024)
    expect(readReply(long, question)).toMatchObject({ failure: 'dns_server_misbehaving', answers: null })
  })

  it('gives a bounded number of answers', () => {
    const question = ask('A')
    const answers = Array.from({ length: 300 }, (_, index) => record('A', `192.0.2.${index % 256}`))
    const reading = readReply(reply(question, { answers }), question)
    expect(reading).toMatchObject({ failure: null })
    expect(reading.fits && reading.answers?.length).toBe(64)
  })

  it('ignores an answer to a question of another type', () => {
    const question = ask('HTTPS')
    const other = reply({ ...ask('A'), id: question.id }, { answers: [record('A', '192.0.2.1')] })
    expect(readReply(other, question).fits).toBe(false)
  })
})
