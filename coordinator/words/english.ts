// The program's words in English. french.ts has the same.

const count = (n: number, one: string, many = `${one}s`) => `${n} ${n === 1 ? one : many}`
const signed = (n: number) => (n > 0 ? `+${n}` : String(n))

/** What each refusal of a collector means to the one who sent something, and what to do (tests-spec/lists/metadata.md §4). */
const refusals: Readonly<Record<string, string>> = {
  rollback: 'a newer version is out already. Give the command again: it begins with what is out.',
  freeze:
    'something in it has expired, or a file is missing. Look at the clock of this laptop; if it is right, the holders of the offline keys have to sign anew.',
  mix_and_match:
    'another coordinator published the same version at the same moment. Give the command again; if it comes back, compare with what is out (status).',
  endless_data: 'it is larger than a device takes. Divide the list.',
  tampering: 'a file was changed after it was signed. Take the copy of this folder that is whole.',
  threshold: 'too few keys have signed: roots and targets want two of the three offline keys.',
  revoked_key: 'the key was taken out. Ask who holds the offline keys for a new one.',
  key_substitution:
    'it is signed by a key that this collector does not know: it has another root of trust. Look at --collector and --dir.',
  key_confusion: 'the key speaks for another role. Look at --group.',
  role_confusion: 'a file stands in the place of another. Take the copy of this folder that is whole.',
  foreign_path: "the key may not speak of this path: it is another group's. Look at --group.",
  path_traversal: 'a name in it is no path.',
  wrong_length: 'a file was cut off. Give the command again.',
  malformed: 'the collector cannot read it: one of the two programs is older. Bring both to one version.',
}

export const english = {
  affirmative: 'y',
  yesNo: '[y/N]',
  isYes: (answer: string) => /^(y|yes)$/i.test(answer.trim()),

  // Failures.
  cancelled: () => 'Nothing was done.',
  noTerminal: (how: string) => `Nobody can be asked here, since there is no terminal: ${how}.`,
  sayYes: () => 'give --yes',
  noWorkspace: (dir: string) =>
    `There are no lists in ${dir}. Name their folder with --dir DIR, or begin with sonde-coordinator init.`,
  workspaceDamaged: (path: string, why: string) =>
    `${path} is not what was written: ${why}. Take it from your copy of this folder.`,
  workspaceExists: (dir: string) =>
    `There is something in ${dir} already, and nothing is written over. Name another folder with --dir DIR.`,
  notMade: (path: string, why: string) => `Cannot write ${path}: ${why}.`,
  notReadable: (path: string, why: string) => `Cannot read ${path}: ${why}.`,
  noCollector: () => 'It is not known where the collector is: say it once with --collector URL.',
  noKey: (name: string, there: readonly string[]) =>
    `There is no key "${name}" here. ${there.length === 0 ? 'There are none at all' : `There are: ${there.join(', ')}`}. It is one file in keys/; its holder has it.`,
  keyDamaged: (path: string) =>
    `${path} is not what was written. Take it from your copy, or from the recovery sheet with sonde-coordinator recover.`,
  wrongPassphrase: (name: string) =>
    `That is not the passphrase of the key "${name}". If it is lost: sonde-coordinator recover, with the recovery sheet.`,
  weakPassphrase: (least: number) =>
    `A passphrase has at least ${least} characters: five words are a good one.`,
  passphrasesDiffer: () => 'The two are not the same. Again.',
  badListsKeys: () =>
    'This is no word that sonde-collector lists-keys prints, or not all of it: it begins with "sonde-lists1-".',
  badGroup: (name: string) =>
    `"${name}" cannot be the name of a group: small letters, digits and hyphens, at most 40, and none of root, targets, snapshot, timestamp, offline-….`,
  unreachable: (url: string, why: string) =>
    `The collector ${url} cannot be reached: ${why}. Nothing was sent. Is this laptop on the network, and is the address right? Give the same command again when it is.`,
  noLists: (url: string) =>
    `The collector ${url} publishes no lists: its operator has to start it with --lists-root 1.root.json.`,
  busy: (url: string) => `The collector ${url} is busy. Give the same command again in a minute.`,
  oddAnswer: (url: string, status: number) =>
    `The collector ${url} answered with ${status}, which says nothing of lists. Is the address right?`,
  refused: (code: string, detail: string) =>
    `The collector did not take it (${code}), and nothing has changed: ${refusals[code] ?? 'the reason is new to this program.'}\n  It said: ${detail}`,
  notBelieved: (url: string, code: string, detail: string) =>
    `What the collector ${url} publishes is not to be believed (${code}: ${detail}). Nothing was sent. Has it another root of trust than this folder (--dir)?`,
  keyNotEntitled: (name: string) =>
    `The key "${name}" may not sign for this any more, or not yet: the holders of the offline keys name the keys of each group.`,
  noGroup: (name: string, there: readonly string[]) =>
    `There is no group "${name}". There are: ${there.join(', ') || 'none'}. New groups need two of the three offline keys.`,
  expired: (role: string, on: string) =>
    `What the offline keys signed has expired (${role}, on ${on}): no device would take a list. Two of the three holders have to sign it anew.`,
  clockWrong: (here: string, there: string) =>
    `The clock of this laptop says ${here} and the collector's ${there}. Put it right first: what is signed would be dated wrongly.`,
  listErrors: (path: string, n: number) =>
    `${path} has ${count(n, 'error')}; nothing was sent. sonde-coordinator lint ${path} shows them.`,
  badJsonList: (path: string, why: string) => `${path} is no list of a group: ${why}`,
  wrongGroup: (path: string, is: string, wanted: string) =>
    `${path} is the list of the group "${is}", and --group says "${wanted}".`,
  badCore: (path: string, why: string) => `${path} is no core list: ${why}`,
  whichWithdrawn: () => 'Say which targets to take out, by their URLs, or --all for the whole list.',
  notListed: (url: string, group: string) => `${url} is not in the list of ${group} that is out.`,
  nothingOut: (url: string) => `Nothing is published at ${url} yet: sonde-coordinator publish --to ${url}`,
  writtenTo: (to: string, files: number, until: string) =>
    `${count(files, 'file')} in ${to}. Devices believe it until ${until}, when the collector's word ends: do it again before.`,
  tooLarge: (path: string) => `${path} makes a list of more than 1 MiB, which no device takes. Divide it.`,

  // Passphrases.
  passphraseOf: (name: string) => `Passphrase of the key "${name}": `,
  newPassphraseOf: (name: string) => `New passphrase for the key "${name}": `,
  again: () => 'The same again: ',

  // init
  initIntro: (dir: string) =>
    `This makes the keys that devices trust lists by, in ${dir}.\n\nThree offline keys for three people: any two of them together change what devices trust.\nOne key for each group: it changes what that group measures, and nothing else.\nBest done on a laptop without network. Nothing is written before you have confirmed.`,
  step: (n: number, of: number, what: string) => `\nStep ${n} of ${of}: ${what}`,
  stepCollector: () => 'the collector',
  askListsKeys: () =>
    'The operator of the collector runs "sonde-collector lists-keys". Type or paste the word that it prints.\n> ',
  stepGroups: () => 'the groups',
  askGroup: () => 'Name of a group, such as bamako (empty: no more): ',
  stepPassphrases: () => 'a passphrase for each key',
  passphrasesWhy: () =>
    'Each holder types their own, without others looking. It cannot be found again: a recovery sheet helps (--sheets DIR).',
  stepConfirm: () => 'confirm',
  initSummary: (groups: readonly string[], dir: string) =>
    `  3 offline keys: offline-1, offline-2, offline-3 (two of them sign)\n  groups: ${groups.join(', ') || 'none'}\n  in ${dir}`,
  askMake: () => 'Make these keys?',
  initDone: (dir: string, digest: string) =>
    `Made. In ${dir}:\n  1.root.json     the root of trust. Its SHA-256 is\n                  ${digest}\n  keys/           one file a key, sealed with its passphrase\n  repository.slr  the first lists, signed`,
  initNext: (dir: string) =>
    `Next:\n  1. Give ${dir}/1.root.json to the operator of the collector: sonde-collector serve --lists-root 1.root.json\n  2. sonde-coordinator publish --to URL of the collector\n  3. Move keys/offline-2.json and keys/offline-3.json to their holders, and delete them here.\n  4. Keep a copy of this folder.`,

  // recovery
  sheetTitle: (name: string) => `RECOVERY SHEET of the key "${name}"`,
  sheetMay: (name: string) =>
    name.startsWith('offline-')
      ? 'With one other offline key it changes whom devices trust, and what all of them measure.'
      : `It changes what the devices of the group "${name}" measure, and nothing else.`,
  sheetSecret: () =>
    'Whoever reads the lines below has the key. Keep this sheet as you keep money; never photograph it.',
  sheetHow: () =>
    'Each line ends, behind the hyphen, with four letters that tell whether it was typed right.\nWhen passphrase or laptop are lost:  sonde-coordinator recover --dir DIR   and type the lines.\nWhen this sheet is lost or was seen by others: tell the holders of the offline keys at once;\ntwo of them take this key out and put a new one in its place.',
  sheetKeyId: (id: string) => `Key id: ${id.slice(0, 32)}\n        ${id.slice(32)}`,
  sheetsWritten: (paths: readonly string[]) =>
    `Recovery sheets, to be printed and then deleted:\n${paths.map((path) => `  ${path}`).join('\n')}`,
  badSheetLine: (n: number) => `Line ${n} was not typed right. Compare it letter by letter.`,
  badSheet: () =>
    'These lines are no recovery sheet: four of them, each with four groups of four and a check.',
  askSheetLine: (n: number) => `Line ${n}: `,
  askKeyName: () => 'Name of the key, as on the sheet: ',
  recovered: (name: string, path: string) =>
    `The key "${name}" is in ${path} again, under its new passphrase.`,

  // differences
  listOf: (group: string) => `List of the group ${group}`,
  outVersion: (version: number) => (version === 0 ? 'nothing is out yet' : `version ${version} is out`),
  added: (n: number) => `${signed(n)} ${n === 1 ? 'target' : 'targets'}`,
  removed: (n: number) => `-${n} ${n === 1 ? 'target' : 'targets'}`,
  changed: (n: number) => `${count(n, 'target')} changed`,
  campaignsChanged: () => 'campaigns changed',
  nothingChanged: () => 'The same is out: there is nothing to do.',
  costs: (month: string, day: string) =>
    `${month} a month (${day} a day) on a device that measures every 15 minutes, by the size of their pages`,
  needConsent: (n: number) =>
    `${count(n, 'entry needs', 'entries need')} consent: without it, devices leave ${n === 1 ? 'it' : 'them'} out`,
  inCore: (n: number) => `${count(n, 'entry is', 'entries are')} in the core list already, and measured once`,
  leftOut: (n: number, code: string) => `${count(n, 'entry', 'entries')} left out by devices: ${code}`,
  warnings: (n: number, path: string) => `${count(n, 'warning')}: sonde-coordinator lint ${path}`,
  onDevices: (n: number) => `${count(n, 'device')} measured by this list when last heard of`,
  statusAt: (url: string) => `At ${url}:`,
  statusList: (name: string, version: number, until: string) =>
    version === 0
      ? `  ${name}: nothing is out`
      : `  ${name}: version ${version} is out, signed until ${until}`,
  statusHave: (n: number) => `    ${count(n, 'device has', 'devices have')} it`,
  statusBehind: (device: string, version: number, heard: string) =>
    `    not yet: ${device} (version ${version}, last heard of ${heard})`,
  statusNone: (device: string, heard: string) =>
    `  ${device} measures by no group's list (last heard of ${heard})`,
  never: () => 'never',
  seenForReaders: () =>
    'Which devices have it is told to readers: give the file with the token, --reader-token FILE.',
  soonOver: (name: string, on: string) =>
    `${name} has to be signed again before ${on}, or devices take no newer list.`,
  previewOf: (group: string, n: number) => `A device of ${group} would measure ${count(n, 'target')}:`,
  campaignNone: (group: string) => `The list of ${group} has no campaigns.`,
  campaignLine: (name: string, from: string, to: string, every: number, inputs: string) =>
    `  ${name}: ${from} to ${to}, every ${count(every, 'minute')}, ${inputs}`,
  allEntries: () => 'all of the list',
  campaignUnknown: (name: string, group: string) => `The list of ${group} has no campaign "${name}".`,
  campaignThere: (name: string, group: string) =>
    `The list of ${group} has a campaign "${name}" already: remove it first, or choose another name.`,
  campaignOver: (to: string) => `It would be over already: --to is ${to}.`,
  campaignNeeds: (option: string) => `campaign add needs ${option}.`,
  campaignNoList: (group: string) => `No list of ${group} is out: push one first.`,
  campaignBad: (why: string) => `This is no campaign: ${why}`,
  proposed: (to: string) =>
    `The proposal is in ${to}. Two of the three holders sign it, one after the other:\n  sonde-coordinator sign ${to} --key offline-1\nThen: sonde-coordinator publish --to URL --with ${to}`,
  proposalIs: () => 'This proposal:',
  onlyRenewed: () => 'changes nothing but dates: what was signed before holds for longer',
  groupAdded: (name: string) => `makes a group: ${name}`,
  groupRemoved: (name: string) => `ends a group: ${name}. Its devices go on with the core list alone`,
  groupKeyChanged: (name: string) => `puts another key in the place of the group ${name}'s`,
  offlineOut: (id: string) => `takes an offline key out: ${id}`,
  offlineIn: (id: string) => `puts an offline key in: ${id}`,
  collectorKeysChanged: () => "changes the collector's keys, which say which lists are the present ones",
  targetChanged: (path: string) => `changes ${path}, which all devices measure by`,
  askSign: () => 'Is this what you have agreed on? Sign it?',
  signedOne: (path: string) => `Signed. One more holder has to: give ${path} to the next.`,
  signedEnough: (path: string) =>
    `Signed, and enough have: sonde-coordinator publish --to URL --with ${path}`,
  noProposal: (path: string, why: string) => `${path} is no proposal: ${why}`,
  notEnough: (path: string, role: string) =>
    `Too few holders have signed ${path} (${role}): give it to the next, sonde-coordinator sign.`,
  askPublish: () => 'Sign and publish this?',
  published: (group: string, version: number, url: string) =>
    `Version ${version} of the list of ${group} is out at ${url}. Devices measure it after their next refresh.`,
  withdrawnOut: (group: string, version: number, url: string) =>
    `The list of ${group} is withdrawn (version ${version}) at ${url}: devices forget it at their next refresh.`,
  publishedAll: (url: string) => `Out at ${url}:`,
}

export type Words = typeof english
