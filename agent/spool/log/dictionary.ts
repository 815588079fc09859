// The body of a record: its JSON, deflated against a dictionary that writer and reader both have. Deflated alone and
// without a dictionary, a record takes about four times the room, since nothing in it repeats yet. Batches are made
// for readers that do not have this dictionary, and use none.
//
// A dictionary is named by its hash, and every segment names its own, so that an agent which does not know it leaves
// the segment alone instead of misreading it. To change the text, add a second dictionary and keep the first one for
// reading.

import { createHash } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'

export interface Dictionary {
  /** First 64 bits of the SHA-256 of its text, in hex. */
  readonly name: string
  readonly text: Buffer
}

/** Level 6 is where deflate stops gaining on records of this size. */
const level = 6
/** Far above the size of any measurement; a damaged or foreign file must not fill the memory. */
const maxRecordBytes = 32 * 1024 * 1024
/**
 * Most records deflate to less. Pieces as small as this come out of Node's pool; pieces of the default of 16 kB for
 * each record do not, and tens of megabytes of them pile up before the garbage collector removes them.
 */
const pieceBytes = 2_048

// Text that measurements of the nettests in tests-spec are made of, in runs as long as they occur, the commonest
// last: deflate writes near distances in fewer bits. They are whole documents, cut where values begin to differ.
const text = [
  '"strict-transport-security":"max-age=31536000; includeSubDomains; preload","x-frame-options":"SAMEORIGIN",',
  '["Connection","keep-alive"],["Transfer-Encoding","chunked"],["Server","cloudflare"],["server","nginx"],',
  '["Cache-Control","no-cache, no-store, must-revalidate, private, max-age=0"],["Pragma","no-cache"],["Expires",',
  '["Content-Type","text/html; charset=utf-8"],["content-encoding","gzip"],["vary","Accept-Encoding"],["alt-svc",',
  '"h3=\\":443\\"; ma=86400"],["x-content-type-options","nosniff"],["x-xss-protection","0"],["set-cookie","',
  '; expires=Mon, Tue, Wed, Thu, Fri, Sat, Sun, Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec 2027 00:00:00 GMT; ',
  'path=/; domain=.; Secure; HttpOnly; SameSite=None; Max-Age=["content-security-policy","default-src ',
  '\'self\'; script-src \'unsafe-inline\' https:; "],["referrer-policy","strict-origin-when-cross-origin"],',
  '["permissions-policy","],["report-to","{\\"group\\":\\"],["nel","["accept-ranges","bytes"],["etag","["age","',
  '["last-modified","["date","["location","https://www.["content-length","0"],["origin-agent-cluster","?0"],',
  '"failure":"connection_reset""failure":"connection_refused""failure":"generic_timeout_error""failure":"eof_error"',
  '"failure":"dns_nxdomain_error""failure":"dns_no_answer""failure":"dns_bogon_error""failure":"dns_servfail_error"',
  '"failure":"host_unreachable""failure":"network_unreachable""failure":"ssl_invalid_hostname"',
  '"failure":"ssl_unknown_authority""failure":"ssl_invalid_certificate""failure":"ssl_failed_handshake"',
  '"x_sonde_tls_alert":40,"x_sonde_certificate_faults":["ssl_unknown_authority"],"x_sonde_not_sent":true,',
  '"x_sonde_late_replies":[{"t":0.0,"raw":"","addresses":["2001:db8::"]}],"rcode":0,"raw_response":"',
  'gYAAAQABAAAAAAABAAAcAAEAAAEsAAEAAQAAASwABMAMAAUAAQAA"whatsapp","input":null,"x_sonde_parts":{"registration":',
  '"registration_server_failure":null,"registration_server_status":"ok","whatsapp_endpoints_blocked":[],',
  '"whatsapp_endpoints_dns_inconsistent":[],"whatsapp_endpoints_status":"ok","whatsapp_web_failure":null,',
  '"whatsapp_web_status":"ok"https://v.whatsapp.net/v2/registerhttps://web.whatsapp.com/e1.whatsapp.net',
  '"verdict":"anomaly","rule":"web_connectivity/","step":"tls_handshake","how":"connection_reset","because":[50001',
  '"step":"resolve","how":"dns_nxdomain_error""step":"connect","how":"generic_timeout_error""verdict":"link_down"',
  '"verdict":"undetermined","rule":"web_connectivity/cleartext_response@1","step":"http_round_trip","how":null,',
  '{"class":"diagnostic","time":{"wall_ms":{"class":"anomaly","time":{"wall_ms":',
  '{"class":"routine","time":{"wall_ms":17,"boot":"","mono_ms":,"clock":"synced"},"measurement":{"annotations":{',
  '"architecture":"arm64","node":"v22.","platform":"linux","roots":"node"},"data_format_version":"0.2.0",',
  '"extensions":{"dnst":0,"httpt":0,"netevents":0,"tcpconnect":0,"tlshandshake":0},"input":"https://www.',
  '","measurement_start_time":"2026-01-01 00:00:00","probe_asn":"AS","probe_cc":"ML","probe_ip":"127.0.0.1",',
  '"probe_network_name":"","resolver_asn":"AS0","resolver_ip":"127.0.0.2","resolver_network_name":"",',
  '"software_name":"sonde","software_version":"0.1.0","test_keys":{"queries":[{"engine":"getaddrinfo","hostname":"',
  '","query_type":"ANY","failure":null,"answers":[{"answer_type":"A","ipv4":"","ttl":null},{"answer_type":"AAAA",',
  '"ipv6":"","ttl":null}],"resolver_address":"","resolver_hostname":null,"resolver_port":null,"t0":0.000,"t":0.0',
  ',"transaction_id":10001,"tags":["depth=0","classic"]},{"engine":"udp","hostname":"www.","query_type":"A",',
  '"failure":null,"answers":[{"answer_type":"CNAME","hostname":"","ttl":300},{"answer_type":"A","ipv4":"","ttl":60}',
  '],"resolver_address":":53","resolver_hostname":null,"resolver_port":null,"raw_response":"","rcode":0,"t0":0.00',
  ',"transaction_id":20001,"tags":["depth=0"]}],"tcp_connect":[{"ip":"","port":443,"status":{"success":true,',
  '"failure":null},"t0":0.,"t":0.,"transaction_id":50001,"tags":["depth=0","classic"]},{"ip":"","port":443,',
  '"status":{"success":false,"failure":"generic_timeout_error"},"t0":0.],"tls_handshakes":[{"network":"tcp",',
  '"address":":443","server_name":"www.","failure":null,"tls_version":"TLSv1.3",',
  '"cipher_suite":"TLS_AES_128_GCM_SHA256""cipher_suite":"TLS_AES_256_GCM_SHA384",',
  '"tls_version":"TLSv1.2","cipher_suite":"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256","tls_version":"","cipher_suite":"",',
  '"negotiated_protocol":"","no_tls_verify":false,"peer_certificates":[],',
  '"negotiated_protocol":"h2","no_tls_verify":false,"peer_certificates":[{"data":"MIIF","format":"base64"},',
  '{"data":"MIIE","format":"base64"},{"data":"MIID","format":"base64"}],"x_sonde_bytes_received":,',
  '"x_sonde_bytes_sent":,"t0":0.,"t":0.,"transaction_id":50001,"tags":["depth=0","classic"]}],"requests":[{',
  '"network":"tcp","address":":443","alpn":"h2","failure":null,"request":{"method":"GET","url":"https://www.',
  '.com/","headers":{"accept":"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",',
  '"accept-language":"en-US,en;q=0.9","user-agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 ',
  'Firefox/140.0"},"headers_list":[["accept","text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],',
  '["accept-language","en-US,en;q=0.9"],["user-agent","Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 ',
  'Firefox/140.0"]],"body":"","body_is_truncated":false,"x_transport":"tcp"},"response":{"code":0,"code":200,',
  '"code":301,"code":302,"code":403,"headers":{"content-type":"text/html; charset=utf-8","date":"',
  '","server":"cloudflare","cache-control":"},"headers_list":[["content-type","text/html; charset=utf-8"],["date","',
  ' GMT"],"body":"","body_is_truncated":false,"x_sonde_body_sha256":"","x_sonde_body_length":,"x_sonde_title":"',
  '"},"t0":0.,"t":0.,"transaction_id":50001,"tags":["depth=0","classic"]}],"network_events":[],"agent":"redirect",',
  '"client_resolver":"127.0.0.2","retries":null,"socksproxy":null,"control":null,',
  '"control_failure":"unknown_failure: no available helpers","dns_experiment_failure":null,"dns_consistency":null,',
  '"http_experiment_failure":null,"blocking":null,"accessible":null,"blocking":false,"accessible":true,',
  '"body_length_match":null,"body_proportion":0,"status_code_match":null,"headers_match":null,"title_match":null,',
  '"x_sonde_verdict":{"verdict":"ok","rule":"web_connectivity/https_response@1","step":null,"how":null,',
  '"because":[50001]},"x_sonde_link":{"state":"up","controls_ok":2,"controls":2,"checked_at":"2026-01-01T00:00:00',
  '.000Z","since":"2026-"},"x_sonde_bytes_sent":,"x_sonde_bytes_received":},"test_name":"web_connectivity",',
  '"test_runtime":0.,"test_start_time":"2026-01-01 00:00:00","test_version":"0.5.28"}}',
].join('')

/** The dictionary that new segments are written with. */
export const currentDictionary: Dictionary = named(text)

const known: readonly Dictionary[] = [currentDictionary]

/** @returns The dictionary; null when this agent does not have it. */
export function dictionaryNamed(name: string): Dictionary | null {
  return known.find((each) => each.name === name) ?? null
}

export function deflateBody(json: string, dictionary: Dictionary): Buffer {
  return deflateRawSync(inScratch(json), { level, dictionary: dictionary.text, chunkSize: pieceBytes })
}

/**
 * @throws When the body was not made by `deflateBody` with the same dictionary, or is larger than any record of ours.
 */
export function inflateBody(body: Uint8Array, dictionary: Dictionary): Buffer {
  return inflateRawSync(body, { dictionary: dictionary.text, maxOutputLength: maxRecordBytes })
}

let scratch = Buffer.alloc(0)

/**
 * @returns `text` in bytes that are valid until the next call: one buffer serves all records, so that buffers do not
 * pile up either.
 */
function inScratch(text: string): Buffer {
  // UTF-8 takes at most three bytes for one unit of a string's length.
  const needed = text.length * 3
  if (needed > maxScratchBytes) return Buffer.from(text)
  if (needed > scratch.length) scratch = Buffer.allocUnsafeSlow(needed)
  return scratch.subarray(0, scratch.write(text))
}

/** A record of 80 kB is rare, and a buffer that is kept for it is kept for ever. */
const maxScratchBytes = 256 * 1024

function named(content: string): Dictionary {
  const bytes = Buffer.from(content)
  return { name: createHash('sha256').update(bytes).digest('hex').slice(0, 16), text: bytes }
}
