// Certificates for tests, good and bad, made by the `openssl` command line: an authority of the test's own, leaves
// for any name and any dates, and certificates without an issuer. Each call takes some 30 ms, so make them once per
// file.

import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Certificate and key as PEM. */
export interface Issued {
  readonly key: string
  readonly cert: string
}

export interface CertificateRequest {
  /** DNS names and IP literals, all of them written as subject alternative names. */
  readonly names: readonly string[]
  /** Absent: a day before now, or before `notAfter` when that is earlier. */
  readonly notBefore?: Date
  /** Absent: in thirty days. */
  readonly notAfter?: Date
}

export interface Authority {
  readonly caPem: string
  /** Issues a leaf. From a subordinate authority, `cert` holds the chain: the leaf, then the authority itself. */
  issue(request: CertificateRequest): Issued
  /** Makes an authority under this one, for chains of three. Its `caPem` is the intermediate. */
  subordinate(request?: AuthorityRequest): Authority
}

export interface AuthorityRequest extends Omit<CertificateRequest, 'names'> {
  /** Absent: a name of its own. When two authorities have the same name, one is an impostor. */
  readonly commonName?: string
}

/** Makes a root. */
export function makeAuthority({ commonName, ...dates }: AuthorityRequest = {}): Authority {
  const key = makeKey()
  const subject = commonName ?? `Test Authority ${randomUUID()}`
  return authorityOf({ key, cert: sign({ ...dates, subject, key, extensions: authorityExtensions }) }, '')
}

/** Makes a leaf that signed itself. */
export function selfSigned(request: CertificateRequest): Issued {
  const key = makeKey()
  return { key, cert: sign({ ...request, subject: 'Self-signed', key, extensions: leafExtensions(request) }) }
}

function authorityOf(issuer: Issued, chain: string): Authority {
  return {
    caPem: issuer.cert,
    issue(request) {
      const key = makeKey()
      const leaf = sign({ ...request, subject: 'Leaf', key, extensions: leafExtensions(request), issuer })
      return { key, cert: leaf + chain }
    },
    subordinate({ commonName, ...dates } = {}) {
      const key = makeKey()
      const subject = commonName ?? `Test Intermediate ${randomUUID()}`
      const cert = sign({ ...dates, subject, key, extensions: authorityExtensions, issuer })
      return authorityOf({ key, cert }, cert + chain)
    },
  }
}

const authorityExtensions = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n'

function leafExtensions({ names }: CertificateRequest): string {
  const alternatives = names.map((name) => (isIP(name) === 0 ? `DNS:${name}` : `IP:${name}`))
  return `basicConstraints=CA:FALSE\nsubjectAltName=${alternatives.join(',')}\n`
}

function makeKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

interface Signing {
  readonly subject: string
  readonly key: string
  readonly extensions: string
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Absent when the certificate signs itself. */
  readonly issuer?: Issued
}

const dayMs = 86_400_000

/** Signs with `openssl ca`, because `openssl x509` cannot date a certificate back before OpenSSL 3.4. */
function sign(signing: Signing): string {
  const folder = mkdtempSync(join(tmpdir(), 'sonde-certificate-'))
  try {
    const at = (name: string) => join(folder, name)
    const notAfter = signing.notAfter ?? new Date(Date.now() + 30 * dayMs)
    const notBefore = signing.notBefore ?? new Date(Math.min(Date.now(), notAfter.getTime()) - dayMs)
    writeFileSync(at('key.pem'), signing.key)
    writeFileSync(at('issuer.key'), signing.issuer?.key ?? signing.key)
    writeFileSync(at('issuer.pem'), signing.issuer?.cert ?? '')
    writeFileSync(at('index.txt'), '')
    writeFileSync(at('ca.cnf'), configuration(folder, signing.extensions))
    openssl(
      ['req', '-new', '-key', at('key.pem'), '-subj', `/CN=${signing.subject}`, '-out', at('request.pem')],
      folder,
    )
    const signer = signing.issuer === undefined ? ['-selfsign'] : ['-cert', at('issuer.pem')]
    openssl(
      [
        ...[
          'ca',
          '-batch',
          '-notext',
          '-config',
          at('ca.cnf'),
          '-in',
          at('request.pem'),
          '-out',
          at('out.pem'),
        ],
        ...['-keyfile', at('issuer.key'), ...signer],
        ...['-startdate', asn1Time(notBefore)],
        ...['-enddate', asn1Time(notAfter)],
      ],
      folder,
    )
    return readFileSync(at('out.pem'), 'utf8')
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function configuration(folder: string, extensions: string): string {
  return `[ca]
default_ca=here
[here]
database=${folder}/index.txt
new_certs_dir=${folder}
rand_serial=yes
default_md=sha256
policy=any
x509_extensions=extensions
[any]
commonName=supplied
[req]
distinguished_name=empty
[empty]
[extensions]
subjectKeyIdentifier=hash
${extensions}`
}

/** `req` gets a configuration of its own too: the machine's may be missing, or ask for more names. */
function openssl(args: readonly string[], folder: string): void {
  const env = { ...process.env, OPENSSL_CONF: join(folder, 'ca.cnf') }
  execFileSync('openssl', args, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] })
}

/** `YYYYMMDDHHMMSSZ`. */
function asn1Time(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
}
