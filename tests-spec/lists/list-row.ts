// One line of a list as people write it: the six columns of the Citizen Lab's lists. list-rows.md is the page.

export const listColumns = [
  'url',
  'category_code',
  'category_description',
  'date_added',
  'source',
  'notes',
] as const
export type ListColumn = (typeof listColumns)[number]

export interface ListRow extends Readonly<Record<ListColumn, string>> {
  /** In the file, from 1. */
  readonly line: number
}
