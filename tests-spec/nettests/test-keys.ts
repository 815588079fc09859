// What stands in the test_keys of a measurement, by its nettest: the keys that every measurement has (measurement.ts),
// and those that the page of the nettest names, whose schema stands beside its rules. For whoever reads data; the probe
// and the rules have the types.

import * as v from 'valibot'
import { testKeys } from '../data-formats/measurement.ts'
import { allNettests } from './all-nettests.ts'

/** By `test_name`, the keys that only this nettest has, or has in a form of its own. */
export const ownTestKeys: Readonly<Record<string, Readonly<Record<string, v.GenericSchema>>>> =
  Object.fromEntries(allNettests.map(({ name, testKeys: own }) => [name, own]))

/** By `test_name`. Keys that are named nowhere are let through: a newer probe may have more. */
export const testKeysOf: Readonly<Record<string, v.GenericSchema>> = Object.fromEntries(
  Object.entries(ownTestKeys).map(([name, own]) => [name, v.looseObject({ ...testKeys.entries, ...own })]),
)
