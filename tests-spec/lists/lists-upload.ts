// How lists are sent to a collector: a repository in one file (one-file.md) at `POST /v1/lists`. publishing.md is the page.

export const listsMediaType = 'application/vnd.sonde.lists'
/** As much as one file may have. */
export const maxListsBytes = 16 * 1024 * 1024
