// The certificates of the lab's country, made once per test file: an authority that devices trust and one that they
// do not, each with leaves for every site. Valid from 2015 to 2048, so that a device may live in any year between.

import { readFileSync } from 'node:fs'
import { type AuthorityRequest, type Issued, makeAuthority } from '../support/certificates.ts'
import { listedSites } from './listed-sites.ts'
import { sites } from './topology.ts'

export interface LabKeys {
  /** PEM; what devices of the lab are told to trust. */
  readonly caPem: string
  readonly leaves: {
    readonly good: Issued
    /** For the sites of the core list, so that the others' certificates stay small. */
    readonly listed: Issued
    /** Of the neutral host, which bears no other name: one that does is no witness. */
    readonly neutral: Issued
    readonly expired: Issued
    /** Without the certificate of who issued it. */
    readonly halfChain: Issued
    readonly wrongName: Issued
    readonly impostor: Issued
    readonly impostorExpired: Issued
  }
}

const always: AuthorityRequest = { notBefore: new Date('2015-01-01'), notAfter: new Date('2048-01-01') }
const ranOut = { notBefore: new Date('2016-01-01'), notAfter: new Date('2017-01-01') }

/** For any number of labs. */
export function makeKeys(): LabKeys {
  const listed = Object.keys(listedSites)
  const names = Object.keys(sites).filter((name) => sites[name]?.kind !== 'listed')
  const authority = makeAuthority({ ...always, commonName: 'Lab Authority' })
  const impostor = makeAuthority({ ...always, commonName: 'Lab Authority' })
  const whole = authority.subordinate(always).issue({ ...always, names })
  return {
    caPem: authority.caPem,
    leaves: {
      good: authority.issue({ ...always, names }),
      listed: authority.issue({ ...always, names: listed }),
      neutral: authority.issue({ ...always, names: ['example.org'] }),
      expired: authority.issue({ ...ranOut, names }),
      halfChain: { key: whole.key, cert: firstOf(whole.cert) },
      wrongName: authority.issue({ ...always, names: ['cache.isp.example'] }),
      impostor: impostor.issue({ ...always, names }),
      impostorExpired: impostor.issue({ ...ranOut, names }),
    },
  }
}

const end = '-----END CERTIFICATE-----\n'
/** Of a chain in PEM. */
const firstOf = (chain: string) => chain.slice(0, chain.indexOf(end) + end.length)

/** Where a sandbox keeps its keys, and the part of them that devices trust. */
export const keysFile = '/run/lab/keys.json'
export const caFile = '/run/lab/ca.pem'

/** For the processes inside. */
export function readKeys(): LabKeys {
  return JSON.parse(readFileSync(keysFile, 'utf8'))
}
