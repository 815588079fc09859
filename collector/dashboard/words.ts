// What the page says, in French and in English. Identifiers (`connection_reset`, `web_connectivity`) are the same in
// both, as in the data: a reader can search for them.

import type { VerdictKind } from '../../tests-spec/nettests/verdict.ts'

export const languages = ['fr', 'en'] as const
export type Language = (typeof languages)[number]

/** Signs stand beside the word and never replace it: neither colour nor sign alone shows a verdict. */
export const signs: Readonly<Record<VerdictKind, string>> = {
  ok: '✓',
  anomaly: '▲',
  link_down: '○',
  undetermined: '?',
}

export interface Words {
  readonly language: string
  readonly about: string
  readonly legend: string
  readonly verdicts: Readonly<Record<VerdictKind, string>>
  readonly meanings: Readonly<Record<VerdictKind, string>>
  readonly steps: Readonly<Record<string, string>>
  readonly parts: Readonly<Record<string, string>>
  readonly results: string
  readonly resultsCaption: string
  readonly target: string
  readonly notMeasured: string
  readonly measured: string
  readonly doubtful: string
  readonly suspect: string
  readonly byProbe: string
  readonly days: string
  readonly received: string
  readonly noResults: string
  readonly hidden: (count: number) => string
  readonly all: string
  readonly unknownNetwork: string
  readonly probes: string
  readonly probesCaption: string
  readonly probe: string
  readonly lastContact: string
  readonly never: string
  readonly enrolled: string
  readonly epoch: string
  readonly batches: string
  readonly faulty: (count: number) => string
  readonly missing: string
  readonly lost: string
  readonly backlog: string
  readonly noBacklog: string
  readonly backlogRecords: string
  readonly backlogBatches: string
  readonly clock: string
  readonly clockSources: Readonly<Record<string, string>>
  readonly version: string
  readonly noProbes: string
  readonly times: string
  readonly data: string
  readonly behind: (count: number) => string
  readonly noIndex: string
  readonly setAside: (count: number) => string
  readonly hiddenNetworks: (count: number) => string
  readonly contradicted: (count: number) => string
  readonly ago: (count: number, unit: 'min' | 'h' | 'd') => string
  readonly justNow: string
}

const english: Words = {
  language: 'English',
  about: 'What can be reached, as probes on these networks last found it.',
  legend: 'What the words mean',
  verdicts: { ok: 'ok', anomaly: 'anomaly', link_down: 'link down', undetermined: 'undetermined' },
  meanings: {
    ok: 'what was asked for was reached.',
    anomaly:
      'the link worked and the target did not. This is not a claim of blocking: people decide that, software does not.',
    link_down: 'the controls failed too, so nothing can be said about the target.',
    undetermined: 'something failed, and what would tell interference from a dead site was not measured.',
  },
  steps: {
    resolve: 'DNS resolution',
    connect: 'TCP connection',
    tls_handshake: 'TLS handshake',
    http_round_trip: 'HTTP round trip',
  },
  parts: { registration: 'Registration', endpoints: 'Endpoints', web: 'Web' },
  results: 'Results',
  resultsCaption: 'Newest result for each target and network',
  target: 'Target',
  notMeasured: 'not measured',
  measured: 'measured',
  doubtful: 'date in doubt',
  suspect: 'SUSPECT: device stolen',
  byProbe: 'its clock said',
  days: 'days',
  received: 'received',
  noResults: 'Nothing has been received yet.',
  hidden: (count) => `${count} more targets, none graver than those above, are not shown.`,
  all: 'Show all',
  unknownNetwork: 'Network not known',
  probes: 'Probes',
  probesCaption: 'Every enrolled probe and what was received from it',
  probe: 'Probe',
  lastContact: 'Last contact',
  never: 'never',
  enrolled: 'enrolled',
  epoch: 'Epoch / seq',
  batches: 'Batches received',
  faulty: (count) => `${count} with an unreadable payload`,
  missing: 'Batches missing',
  lost: 'Records lost',
  backlog: 'Backlog',
  noBacklog: 'none',
  backlogRecords: 'records',
  backlogBatches: 'batches sealed',
  clock: 'Clock',
  clockSources: {
    ntp: 'set by NTP',
    receipt: 'set by a receipt',
    'http-date': 'set by an HTTP date',
    rtc: 'hardware clock',
    user: 'set by hand',
    none: 'not set',
  },
  version: 'Agent',
  noProbes: 'No probe is enrolled yet.',
  times: 'All times are UTC. Made',
  data: 'Data as JSON lines',
  behind: (count) => `${count} received batches are not in these tables yet.`,
  setAside: (count) =>
    `${count} received batches could not be put into these tables, and were set aside; see the log.`,
  hiddenNetworks: (count) => `${count} networks with fewer results are not shown.`,
  contradicted: (count) => `${count} boots in an order that contradicts itself`,
  noIndex: 'The tables are not available. Batches are still received and kept; see the log.',
  ago: (count, unit) => `${count} ${{ min: 'min', h: 'h', d: count === 1 ? 'day' : 'days' }[unit]} ago`,
  justNow: 'just now',
}

const french: Words = {
  language: 'Français',
  about: 'Ce qui est joignable, d’après les dernières mesures des sondes sur ces réseaux.',
  legend: 'Le sens des mots',
  verdicts: { ok: 'ok', anomaly: 'anomalie', link_down: 'liaison coupée', undetermined: 'indéterminé' },
  meanings: {
    ok: 'ce qui était demandé a été atteint.',
    anomaly:
      'la liaison marchait, la cible non. Ce n’est pas une affirmation de blocage : des personnes en décident, pas un logiciel.',
    link_down: 'les contrôles ont échoué aussi ; on ne peut rien dire de la cible.',
    undetermined:
      'quelque chose a échoué, et ce qui distinguerait une interférence d’un site en panne n’a pas été mesuré.',
  },
  steps: {
    resolve: 'résolution DNS',
    connect: 'connexion TCP',
    tls_handshake: 'négociation TLS',
    http_round_trip: 'échange HTTP',
  },
  parts: { registration: 'Inscription', endpoints: 'Serveurs de messages', web: 'Web' },
  results: 'Résultats',
  resultsCaption: 'Dernier résultat pour chaque cible et chaque réseau',
  target: 'Cible',
  notMeasured: 'non mesuré',
  measured: 'mesuré le',
  doubtful: 'date douteuse',
  suspect: 'SUSPECT : appareil volé',
  byProbe: 'son horloge disait',
  days: 'jours',
  received: 'reçu',
  noResults: 'Rien n’a encore été reçu.',
  hidden: (count) => `${count} autres cibles, dont aucune n’est plus grave, ne sont pas montrées.`,
  all: 'Tout montrer',
  unknownNetwork: 'Réseau inconnu',
  probes: 'Sondes',
  probesCaption: 'Chaque sonde inscrite et ce qui en a été reçu',
  probe: 'Sonde',
  lastContact: 'Dernier contact',
  never: 'jamais',
  enrolled: 'inscrite le',
  epoch: 'Époque / n°',
  batches: 'Lots reçus',
  faulty: (count) => `${count} au contenu illisible`,
  missing: 'Lots manquants',
  lost: 'Mesures perdues',
  backlog: 'En attente',
  noBacklog: 'rien',
  backlogRecords: 'mesures',
  backlogBatches: 'lots scellés',
  clock: 'Horloge',
  clockSources: {
    ntp: 'réglée par NTP',
    receipt: 'réglée par un reçu',
    'http-date': 'réglée par une date HTTP',
    rtc: 'horloge matérielle',
    user: 'réglée à la main',
    none: 'non réglée',
  },
  version: 'Agent',
  noProbes: 'Aucune sonde n’est encore inscrite.',
  times: 'Heures en UTC. Page faite le',
  data: 'Données en lignes JSON',
  behind: (count) => `${count} lots reçus ne sont pas encore dans ces tableaux.`,
  setAside: (count) =>
    `${count} lots reçus n’ont pas pu être mis dans ces tableaux, et sont mis de côté ; voir le journal.`,
  hiddenNetworks: (count) => `${count} réseaux avec moins de résultats ne sont pas affichés.`,
  contradicted: (count) => `${count} démarrages dans un ordre contradictoire`,
  noIndex: 'Les tableaux ne sont pas disponibles. Les lots sont reçus et gardés ; voir le journal.',
  ago: (count, unit) => `il y a ${count} ${{ min: 'min', h: 'h', d: 'j' }[unit]}`,
  justNow: 'à l’instant',
}

export const words: Readonly<Record<Language, Words>> = { fr: french, en: english }

/**
 * @param asked - The language in the address (`?lang=`); an unknown one is ignored.
 * @param accepted - The Accept-Language header.
 * @returns French when nothing decides: most readers of this page read it.
 */
export function chooseLanguage(asked: string | undefined, accepted: string | undefined): Language {
  const spoken = (tag: string) => languages.find((language) => tag.toLowerCase().split('-')[0] === language)
  const choices = (accepted ?? '')
    .split(',')
    .map((choice) => {
      const [tag = '', weight = 'q=1'] = choice.split(';').map((part) => part.trim())
      return { language: spoken(tag), weight: Number(weight.replace('q=', '')) }
    })
    .filter(({ language, weight }) => language !== undefined && weight > 0)
    .sort((a, b) => b.weight - a.weight)
  return spoken(asked ?? '') ?? choices[0]?.language ?? 'fr'
}
