// A URL of the web, as test lists and nettests take it.

import * as v from 'valibot'

export const httpUrl = v.pipe(v.string(), v.url(), v.regex(/^https?:\/\//, 'expected http:// or https://'))
