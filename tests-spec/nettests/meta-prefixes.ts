// The prefixes Meta announces from AS32934, as of November 2026. The table ages, and nothing refreshes it: a prefix that
// is missing makes an honest answer look foreign, so only OONI's own keys and a doubt may rest on it.
// facebook-messenger.md says how it is used.

import { isInRanges } from './address-range.ts'

export const metaPrefixes: readonly string[] = [
  '31.13.24.0/21',
  '31.13.64.0/18',
  '45.64.40.0/22',
  '66.220.144.0/20',
  '69.63.176.0/20',
  '69.171.224.0/19',
  '74.119.76.0/22',
  '102.132.96.0/20',
  '103.4.96.0/22',
  '129.134.0.0/16',
  '147.75.208.0/20',
  '157.240.0.0/16',
  '163.70.128.0/17',
  '173.252.64.0/18',
  '179.60.192.0/22',
  '185.60.216.0/22',
  '185.89.216.0/22',
  '204.15.20.0/22',
  '2401:db00::/32',
  '2620:0:1c00::/40',
  '2a03:2880::/32',
]

export function isMetaAddress(ip: string): boolean {
  return isInRanges(ip, metaPrefixes)
}
