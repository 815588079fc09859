// Every text that a host reads, by key: French first, the others beside it. Short sentences without terms of the trade, as one
// would say them aloud. A further language is a further name in `languages`; then the compiler names each text that it lacks.
// `{name}` stands for a value. What operators read (logs, errors, help) is not here.

export const languages = ['fr', 'en'] as const
export type Language = (typeof languages)[number]

const all = {
  // Consent. Whoever changes one of these ten, or a question, has every host asked again: the digest covers them.
  consent_1: {
    fr: 'Ce programme vérifie, jour et nuit, quels sites et quelles messageries marchent depuis ici.',
    en: 'This program checks, day and night, which sites and messengers work from here.',
  },
  consent_2: {
    fr: 'Pour cela il les ouvre, comme un navigateur : journaux, radios, réseaux sociaux, messageries.',
    en: 'To do so it opens them, as a browser would: news, radio, social networks, messengers.',
  },
  consent_3: {
    fr: 'Votre opérateur, et ceux qui surveillent la ligne, peuvent voir que cet appareil les ouvre.',
    en: 'Your provider, and those who watch the line, can see that this device opens them.',
  },
  consent_4: {
    fr: 'Selon le lieu et le moment, cela peut vous attirer des ennuis. C’est à vous d’en juger.',
    en: 'Depending on place and time, this may get you into trouble. That is for you to judge.',
  },
  consent_5: {
    fr: 'Il ne lit ni vos messages, ni vos appels, ni vos photos, ni ce que vous visitez.',
    en: 'It reads neither your messages nor your calls, your photos or what you visit.',
  },
  consent_6: {
    fr: 'Il ne note ni votre nom, ni votre numéro, ni votre adresse internet, ni où vous êtes.',
    en: 'It notes neither your name nor your number, your internet address or where you are.',
  },
  consent_7: {
    fr: 'Les résultats disent le pays, l’opérateur, l’heure et ce qui marche. Ils sont envoyés et peuvent être publiés.',
    en: 'Results tell the country, the provider, the time and what works. They are sent and may be published.',
  },
  consent_8: {
    fr: 'Il utilise du crédit internet, 1 Go par mois ou plus, et un peu de courant.',
    en: 'It uses internet credit, 1 GB a month or more, and some power.',
  },
  consent_9: {
    fr: 'Si on vous prend l’appareil, on peut y voir ce programme, et des résultats pas encore envoyés.',
    en: 'If the device is taken from you, this program can be seen on it, and results not sent yet.',
  },
  consent_10: {
    fr: 'Vous arrêtez quand vous voulez : « sonde pause ». Vous effacez tout : « sonde effacer ».',
    en: 'You stop when you like: "sonde pause". You erase everything: "sonde erase".',
  },
  question_1: {
    fr: 'Votre opérateur peut-il voir les sites que cet appareil ouvre ?',
    en: 'Can your provider see which sites this device opens?',
  },
  wrong_1: {
    fr: 'Si, il le peut : celui qui surveille la ligne voit quels sites sont ouverts.',
    en: 'Yes, it can: those who watch the line see which sites are opened.',
  },
  question_2: { fr: 'Ce programme lit-il vos messages ?', en: 'Does this program read your messages?' },
  wrong_2: {
    fr: 'Non. Il ouvre des sites lui-même et ne regarde rien d’autre.',
    en: 'No. It opens sites itself and looks at nothing else.',
  },
  question_3: {
    fr: 'Pouvez-vous arrêter quand vous voulez ?',
    en: 'Can you stop whenever you like?',
  },
  wrong_3: {
    fr: 'Si, vous le pouvez, sans demander à personne : « sonde pause » ou « sonde effacer ».',
    en: 'Yes, you can, and need to ask nobody: "sonde pause" or "sonde erase".',
  },
  consent_intro: {
    fr: 'Dix phrases à lire, puis trois questions.',
    en: 'Ten sentences to read, then three questions.',
  },
  yes_no: { fr: '(oui/non)', en: '(yes/no)' },
  say_yes_no: { fr: 'Répondez oui ou non.', en: 'Answer yes or no.' },
  agree_question: {
    fr: 'Êtes-vous d’accord pour que cet appareil mesure ?',
    en: 'Do you agree that this device measures?',
  },
  sensitive_question: {
    fr: 'Des listes peuvent avoir des sujets délicats (religion, rencontres, armes…). En permettre ? Sans réponse : non.',
    en: 'Lists may have delicate subjects (religion, dating, weapons…). Allow some? No answer means no.',
  },
  agreed: { fr: 'Merci. C’est noté.', en: 'Thank you. It is noted.' },
  agreed_by_operator: {
    fr: 'Noté : l’accord de l’hôte a été donné à la personne qui installe.',
    en: 'Noted: the host gave their agreement to the person who installs.',
  },
  not_agreed: {
    fr: 'Sans accord, rien n’est mesuré ni envoyé. Rien n’a changé sur l’appareil.',
    en: 'Without agreement nothing is measured or sent. Nothing has changed on the device.',
  },
  withdrawn: {
    fr: 'Accord retiré. Plus rien n’est mesuré ni envoyé. Pour tout effacer : sonde effacer',
    en: 'Agreement withdrawn. Nothing is measured or sent any more. To erase everything: sonde erase',
  },
  consent_state_agreed: {
    fr: 'Accord donné le {date} (texte {version}).',
    en: 'Agreed on {date} (text {version}).',
  },
  consent_state_config: {
    fr: 'Accord noté dans la configuration par la personne qui installe.',
    en: 'Agreement noted in the configuration by the person who installs.',
  },
  consent_state_not_asked: {
    fr: 'Pas encore d’accord. Pour le donner : sonde consent',
    en: 'No agreement yet. To give it: sonde consent',
  },
  consent_state_changed: {
    fr: 'Le texte a changé. Relisez-le : sonde consent',
    en: 'The text has changed. Read it again: sonde consent',
  },
  consent_state_withdrawn: { fr: 'Accord retiré.', en: 'Agreement withdrawn.' },
  sensitive_allowed: { fr: 'Sujets délicats permis : {list}.', en: 'Delicate subjects allowed: {list}.' },
  sensitive_none: { fr: 'Aucun sujet délicat.', en: 'No delicate subject.' },
  once_consents: {
    fr: 'En tapant cette commande, vous acceptez que cet appareil mesure une fois la liste de base, ou ce que vous nommez.',
    en: 'By typing this you agree that this device measures once the core list, or what you name.',
  },
  start_consents: {
    fr: 'Selon la configuration, l’hôte est d’accord que cet appareil mesure. Arrêter : sonde pause',
    en: 'As configured, the host agrees that this device measures. To stop: sonde pause',
  },
  category_ALDR: { fr: 'alcool et drogues', en: 'alcohol and drugs' },
  category_DATE: { fr: 'rencontres', en: 'dating' },
  category_FILE: { fr: 'partage de fichiers', en: 'file sharing' },
  category_GMB: { fr: 'jeux d’argent', en: 'gambling' },
  category_HACK: { fr: 'outils de piratage', en: 'hacking tools' },
  category_HATE: { fr: 'discours de haine', en: 'hate speech' },
  category_LGBT: { fr: 'homosexualité', en: 'LGBT' },
  category_MILX: { fr: 'groupes armés', en: 'armed groups' },
  category_PORN: { fr: 'pornographie', en: 'pornography' },
  category_PROV: { fr: 'tenues légères', en: 'provocative attire' },
  category_REL: { fr: 'religion', en: 'religion' },
  category_XED: { fr: 'éducation sexuelle', en: 'sex education' },
  // Pause.
  paused_until: {
    fr: 'En pause jusqu’au {date}. Rien n’est mesuré ni envoyé. Reprendre avant : sonde reprendre',
    en: 'Paused until {date}. Nothing is measured or sent. To go on before: sonde resume',
  },
  resumed: {
    fr: 'La pause est finie. Les mesures reprennent dans la minute.',
    en: 'The pause is over. Measuring goes on within a minute.',
  },
  was_not_paused: { fr: 'Il n’y avait pas de pause.', en: 'There was no pause.' },
  // `sonde statut`: at most 40 columns each.
  all_well: { fr: 'Tout va bien', en: 'All is well' },
  held_paused: { fr: 'En pause jusqu’au {date}', en: 'Paused until {date}' },
  held_consent: { fr: 'Pas d’accord donné : sonde consent', en: 'Not agreed yet: sonde consent' },
  stopped: { fr: 'Le programme ne tourne pas', en: 'The program does not run' },
  late: { fr: 'Le programme est en retard', en: 'The program is late' },
  disk_bad: { fr: 'Mémoire pleine ou abîmée', en: 'Storage is full or broken' },
  not_measured_yet: { fr: 'Pas encore de mesure', en: 'Nothing measured yet' },
  link_down: { fr: 'Pas de réseau depuis {for}', en: 'No network for {for}' },
  link_degraded: { fr: 'Réseau mauvais depuis {for}', en: 'Network bad for {for}' },
  link_captive_portal: { fr: 'Le wifi demande une connexion', en: 'The Wi-Fi asks for a login' },
  link_bundle_exhausted: { fr: 'Crédit internet épuisé ?', en: 'Internet credit used up?' },
  link_provider_only: { fr: 'Seul l’opérateur répond', en: 'Only the provider answers' },
  link_unknown: { fr: 'Réseau pas vérifié', en: 'Network not checked' },
  clock_unset: { fr: 'Horloge non réglée', en: 'Clock not set' },
  last_measured: { fr: 'Dernière mesure : il y a {for}', en: 'Last measured: {for} ago' },
  next_measured: { fr: 'Prochaine mesure : dans {for}', en: 'Next measuring: in {for}' },
  next_now: { fr: 'Mesure en cours', en: 'Measuring now' },
  waits: { fr: 'À envoyer : {size}, depuis {for}', en: 'To be sent: {size}, for {for}' },
  all_sent: { fr: 'Tout est envoyé', en: 'Everything is sent' },
  not_enrolled: { fr: 'Pas inscrit : sonde installer', en: 'Not enrolled: sonde setup' },
  were_lost: { fr: 'Résultats perdus : {count}', en: 'Results lost: {count}' },
  name_of: { fr: 'Appareil {device}', en: 'Device {device}' },
  // Setup.
  ask_token: {
    fr: 'Adresse et jeton du collecteur : tapez-les, collez-les, ou nommez un fichier. Sans réponse : plus tard.',
    en: 'Address and token of the collector: type or paste them, or name a file. No answer: later.',
  },
  bad_token: {
    fr: 'Il faut une adresse (https://…) et un jeton (sonde1-…).',
    en: 'An address (https://…) and a token (sonde1-…) are needed.',
  },
  enrolled: { fr: 'Appareil inscrit.', en: 'Device enrolled.' },
  enrol_later: {
    fr: 'Pas inscrit maintenant. Les résultats restent ici. Réessayez avec le même jeton : sonde installer',
    en: 'Not enrolled now. Results stay here. Try again with the same token: sonde setup',
  },
  ask_link: {
    fr: 'Réseau : 1 wifi, 2 mobile, 3 câble. Sans réponse : inconnu.',
    en: 'Link: 1 Wi-Fi, 2 mobile, 3 cable. No answer: unknown.',
  },
  ask_network: {
    fr: 'Nom de l’opérateur, par exemple Orange Mali. Sans réponse : aucun.',
    en: 'Name of the provider, such as Orange Mali. No answer: none.',
  },
  checking: { fr: 'Première mesure, moins d’une minute…', en: 'First measuring, less than a minute…' },
  measures: {
    fr: 'Cet appareil mesure. Résultats : {count}. Lancer : sonde run. Savoir si tout va bien : sonde statut',
    en: 'This device measures. Results: {count}. To start: sonde run. To see whether all is well: sonde statut',
  },
  measures_already: {
    fr: 'Cet appareil mesure : le programme tourne. Savoir si tout va bien : sonde statut',
    en: 'This device measures: the program runs. To see whether all is well: sonde statut',
  },
  measures_offline: {
    fr: 'Pas de réseau maintenant. Cet appareil est prêt, et le dira lui-même au collecteur plus tard.',
    en: 'No network now. This device is ready, and will tell the collector by itself later.',
  },
  // Erasing.
  erase_question: {
    fr: 'Effacer les clés, les résultats et les réglages de cet appareil ? Cela ne peut pas être défait.',
    en: 'Erase the keys, results and settings of this device? This cannot be undone.',
  },
  erase_kept: { fr: 'Rien n’est effacé.', en: 'Nothing is erased.' },
  erased: {
    fr: 'Tout est effacé, les clés d’abord. Le programme lui-même reste : désinstallez-le à part.',
    en: 'Everything is erased, keys first. The program itself stays: uninstall it separately.',
  },
  told: { fr: 'Le collecteur est prévenu.', en: 'The collector has been told.' },
  not_told: { fr: 'Le collecteur n’a pas pu être prévenu.', en: 'The collector could not be told.' },
  erase_left: {
    fr: 'Les clés sont effacées. Ces fichiers restent : {list}',
    en: 'The keys are erased. These files stay: {list}',
  },
  // `sonde doctor`: what is looked at, and what to do where it is not well.
  check_agent: { fr: 'programme', en: 'program' },
  do_agent: { fr: 'lancez-le : sonde run', en: 'start it: sonde run' },
  check_consent: { fr: 'accord', en: 'consent' },
  do_consent: { fr: 'donnez-le : sonde consent', en: 'give it: sonde consent' },
  check_pause: { fr: 'pause', en: 'pause' },
  do_pause: { fr: 'en pause. Finir : sonde reprendre', en: 'paused. To end it: sonde resume' },
  check_clock: { fr: 'horloge', en: 'clock' },
  do_clock: {
    fr: 'réglez l’heure et la date automatiquement',
    en: 'let the system set date and time by itself',
  },
  check_disk: { fr: 'mémoire', en: 'storage' },
  do_disk: { fr: 'faites de la place, ou changez la carte', en: 'make room, or change the card' },
  check_permissions: { fr: 'droits des fichiers', en: 'rights of files' },
  do_permissions: {
    fr: 'd’autres peuvent lire la clé : chmod -R go= {path}',
    en: 'others can read the key: chmod -R go= {path}',
  },
  check_power: { fr: 'courant', en: 'power' },
  do_power: {
    fr: 'trop faible : rechargez, ou changez de chargeur et de câble',
    en: 'too weak: charge it, or change charger and cable',
  },
  check_link: { fr: 'réseau', en: 'link' },
  do_link: {
    fr: 'vérifiez le wifi, le crédit, le câble ({state})',
    en: 'check Wi-Fi, credit, cable ({state})',
  },
  check_resolver_system: { fr: 'noms, par le système', en: 'names, by the system' },
  check_resolver_direct: { fr: 'noms, en direct', en: 'names, directly' },
  do_resolver: { fr: 'sans réponse ({failure})', en: 'no answer ({failure})' },
  check_enrolment: { fr: 'inscription', en: 'enrolment' },
  do_enrolment: { fr: 'inscrivez l’appareil : sonde installer', en: 'enrol the device: sonde setup' },
  check_way: { fr: 'envoi {n} ({kind})', en: 'upload {n} ({kind})' },
  do_way: {
    fr: 'pas de réponse ; les autres envois, ou sonde export',
    en: 'no answer; there are the other ways, or sonde export',
  },
  check_lists: { fr: 'listes', en: 'lists' },
  do_lists: { fr: 'anciennes ou refusées ; envoyez d’abord', en: 'old or refused; let it upload first' },
  check_backlog: { fr: 'résultats à envoyer', en: 'results to be sent' },
  do_backlog: {
    fr: 'ils attendent depuis {for} : sonde export',
    en: 'they wait for {for}: sonde export',
  },
  well: { fr: 'bien', en: 'well' },
} as const satisfies Record<string, Readonly<Record<Language, string>>>

export type PhraseKey = keyof typeof all
export const phrases: Readonly<Record<PhraseKey, Readonly<Record<Language, string>>>> = all
