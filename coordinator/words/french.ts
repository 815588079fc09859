// The program's words in French. english.ts has the same.

import type { Words } from './english.ts'

const count = (n: number, one: string, many = `${one}s`) => `${n} ${n <= 1 ? one : many}`
const signed = (n: number) => (n > 0 ? `+${n}` : String(n))

const refusals: Readonly<Record<string, string>> = {
  rollback:
    'une version plus récente est déjà publiée. Refaites la commande : elle part de ce qui est publié.',
  freeze:
    "quelque chose a expiré, ou un fichier manque. Regardez l'horloge de cet ordinateur ; si elle est juste, les détenteurs des clés hors ligne doivent signer à nouveau.",
  mix_and_match:
    "quelqu'un d'autre a publié la même version au même moment. Refaites la commande ; si cela revient, comparez avec ce qui est publié (status).",
  endless_data: "c'est plus grand que ce qu'un appareil accepte. Divisez la liste.",
  tampering: 'un fichier a changé après sa signature. Reprenez la bonne copie de ce dossier.',
  threshold: 'trop peu de clés ont signé : il faut deux des trois clés hors ligne.',
  revoked_key: 'la clé a été retirée. Demandez-en une nouvelle aux détenteurs des clés hors ligne.',
  key_substitution:
    "c'est signé par une clé que ce collecteur ne connaît pas : il a une autre racine de confiance. Vérifiez --collector et --dir.",
  key_confusion: 'cette clé parle pour un autre rôle. Vérifiez --group.',
  role_confusion: "un fichier est à la place d'un autre. Reprenez la bonne copie de ce dossier.",
  foreign_path: 'cette clé ne peut pas parler de ce chemin : il est à un autre groupe. Vérifiez --group.',
  path_traversal: "un nom n'est pas un chemin.",
  wrong_length: 'un fichier est coupé. Refaites la commande.',
  malformed:
    "le collecteur ne peut pas le lire : l'un des deux programmes est plus ancien. Mettez-les à la même version.",
}

export const french: Words = {
  affirmative: 'o',
  yesNo: '[o/N]',
  isYes: (answer) => /^(o|oui|y|yes)$/i.test(answer.trim()),

  cancelled: () => "Rien n'a été fait.",
  noTerminal: (how) => `Personne ne peut répondre ici, il n'y a pas de terminal : ${how}.`,
  sayYes: () => 'ajoutez --yes',
  noWorkspace: (dir) =>
    `Il n'y a pas de listes dans ${dir}. Donnez leur dossier avec --dir DIR, ou commencez par sonde-coordinator init.`,
  workspaceDamaged: (path, why) =>
    `${path} n'est pas ce qui a été écrit : ${why}. Reprenez-le de votre copie de ce dossier.`,
  workspaceExists: (dir) =>
    `Il y a déjà quelque chose dans ${dir}, et rien n'est remplacé. Donnez un autre dossier avec --dir DIR.`,
  notMade: (path, why) => `Impossible d'écrire ${path} : ${why}.`,
  notReadable: (path, why) => `Impossible de lire ${path} : ${why}.`,
  noCollector: () => 'On ne sait pas où est le collecteur : dites-le une fois avec --collector URL.',
  noKey: (name, there) =>
    `Il n'y a pas de clé « ${name} » ici. ${there.length === 0 ? "Il n'y en a aucune" : `Il y a : ${there.join(', ')}`}. C'est un fichier dans keys/ ; son détenteur l'a.`,
  keyDamaged: (path) =>
    `${path} n'est pas ce qui a été écrit. Reprenez-le de votre copie, ou de la fiche de secours avec sonde-coordinator recover.`,
  wrongPassphrase: (name) =>
    `Ce n'est pas la phrase secrète de la clé « ${name} ». Si elle est perdue : sonde-coordinator recover, avec la fiche de secours.`,
  weakPassphrase: (least) =>
    `Une phrase secrète a au moins ${least} caractères : cinq mots font une bonne phrase.`,
  passphrasesDiffer: () => 'Les deux ne sont pas pareilles. Encore une fois.',
  badListsKeys: () =>
    "Ce n'est pas le mot que sonde-collector lists-keys affiche, ou pas en entier : il commence par « sonde-lists1- ».",
  badGroup: (name) =>
    `« ${name} » ne peut pas être le nom d'un groupe : petites lettres, chiffres et tirets, 40 au plus, et ni root, targets, snapshot, timestamp, offline-….`,
  unreachable: (url, why) =>
    `Le collecteur ${url} ne répond pas : ${why}. Rien n'a été envoyé. Cet ordinateur est-il sur le réseau, et l'adresse est-elle juste ? Refaites la même commande ensuite.`,
  noLists: (url) =>
    `Le collecteur ${url} ne publie pas de listes : son opérateur doit le démarrer avec --lists-root 1.root.json.`,
  busy: (url) => `Le collecteur ${url} est occupé. Refaites la même commande dans une minute.`,
  oddAnswer: (url, status) =>
    `Le collecteur ${url} a répondu ${status}, ce qui ne dit rien de listes. L'adresse est-elle juste ?`,
  refused: (code, detail) =>
    `Le collecteur ne l'a pas accepté (${code}), et rien n'a changé : ${refusals[code] ?? 'la raison est inconnue de ce programme.'}\n  Il a dit : ${detail}`,
  notBelieved: (url, code, detail) =>
    `Ce que le collecteur ${url} publie n'est pas digne de confiance (${code} : ${detail}). Rien n'a été envoyé. A-t-il une autre racine de confiance que ce dossier (--dir) ?`,
  keyNotEntitled: (name) =>
    `La clé « ${name} » ne peut pas, ou ne peut plus, signer pour cela : les détenteurs des clés hors ligne nomment les clés de chaque groupe.`,
  noGroup: (name, there) =>
    `Il n'y a pas de groupe « ${name} ». Il y a : ${there.join(', ') || 'aucun'}. Un nouveau groupe demande deux des trois clés hors ligne.`,
  expired: (role, on) =>
    `Ce que les clés hors ligne ont signé a expiré (${role}, le ${on}) : aucun appareil ne prendrait une liste. Deux des trois détenteurs doivent signer à nouveau.`,
  clockWrong: (here, there) =>
    `L'horloge de cet ordinateur dit ${here} et celle du collecteur ${there}. Réglez-la d'abord : ce qui est signé serait mal daté.`,
  listErrors: (path, n) =>
    `${path} a ${count(n, 'erreur')} ; rien n'a été envoyé. sonde-coordinator lint ${path} les montre.`,
  badJsonList: (path, why) => `${path} n'est pas la liste d'un groupe : ${why}`,
  wrongGroup: (path, is, wanted) => `${path} est la liste du groupe « ${is} », et --group dit « ${wanted} ».`,
  badCore: (path, why) => `${path} n'est pas une liste de base : ${why}`,
  whichWithdrawn: () => 'Dites quelles cibles retirer, par leurs URL, ou --all pour toute la liste.',
  notListed: (url, group) => `${url} n'est pas dans la liste de ${group} qui est publiée.`,
  nothingOut: (url) => `Rien n'est encore publié sur ${url} : sonde-coordinator publish --to ${url}`,
  writtenTo: (to, files, until) =>
    `${count(files, 'fichier')} dans ${to}. Les appareils y croient jusqu'au ${until}, fin de la parole du collecteur : recommencez avant.`,
  tooLarge: (path) => `${path} fait une liste de plus de 1 Mio, qu'aucun appareil n'accepte. Divisez-la.`,

  passphraseOf: (name) => `Phrase secrète de la clé « ${name} » : `,
  newPassphraseOf: (name) => `Nouvelle phrase secrète pour la clé « ${name} » : `,
  again: () => 'La même encore une fois : ',

  initIntro: (dir) =>
    `Ceci crée, dans ${dir}, les clés par lesquelles les appareils font confiance aux listes.\n\nTrois clés hors ligne pour trois personnes : deux d'entre elles, ensemble, changent à qui les appareils font confiance.\nUne clé par groupe : elle change ce que ce groupe mesure, et rien d'autre.\nÀ faire de préférence sur un ordinateur sans réseau. Rien n'est écrit avant votre confirmation.`,
  step: (n, of, what) => `\nÉtape ${n} sur ${of} : ${what}`,
  stepCollector: () => 'le collecteur',
  askListsKeys: () =>
    "L'opérateur du collecteur lance « sonde-collector lists-keys ». Tapez ou collez le mot affiché.\n> ",
  stepGroups: () => 'les groupes',
  askGroup: () => "Nom d'un groupe, comme bamako (vide : c'est tout) : ",
  stepPassphrases: () => 'une phrase secrète pour chaque clé',
  passphrasesWhy: () =>
    'Chaque détenteur tape la sienne, à l’abri des regards. Elle ne se retrouve pas : une fiche de secours aide (--sheets DIR).',
  stepConfirm: () => 'confirmer',
  initSummary: (groups, dir) =>
    `  3 clés hors ligne : offline-1, offline-2, offline-3 (deux signent)\n  groupes : ${groups.join(', ') || 'aucun'}\n  dans ${dir}`,
  askMake: () => 'Créer ces clés ?',
  initDone: (dir, digest) =>
    `C'est fait. Dans ${dir} :\n  1.root.json     la racine de confiance. Son SHA-256 est\n                  ${digest}\n  keys/           un fichier par clé, fermé par sa phrase secrète\n  repository.slr  les premières listes, signées`,
  initNext: (dir) =>
    `Ensuite :\n  1. Donnez ${dir}/1.root.json à l'opérateur du collecteur : sonde-collector serve --lists-root 1.root.json\n  2. sonde-coordinator publish --to URL du collecteur\n  3. Donnez keys/offline-2.json et keys/offline-3.json à leurs détenteurs, et effacez-les ici.\n  4. Gardez une copie de ce dossier.`,

  sheetTitle: (name) => `FICHE DE SECOURS de la clé « ${name} »`,
  sheetMay: (name) =>
    name.startsWith('offline-')
      ? 'Avec une autre clé hors ligne, elle change à qui les appareils font confiance, et ce que tous mesurent.'
      : `Elle change ce que les appareils du groupe « ${name} » mesurent, et rien d'autre.`,
  sheetSecret: () =>
    "Qui lit les lignes ci-dessous a la clé. Gardez cette fiche comme de l'argent ; ne la photographiez jamais.",
  sheetHow: () =>
    "Chaque ligne finit, après le tiret, par quatre lettres qui disent si elle est bien tapée.\nPhrase secrète ou ordinateur perdus :  sonde-coordinator recover --dir DIR   et tapez les lignes.\nFiche perdue, ou vue par d'autres : dites-le tout de suite aux détenteurs des clés hors ligne ;\ndeux d'entre eux retirent cette clé et en mettent une nouvelle à sa place.",
  sheetKeyId: (id) => `Identifiant : ${id.slice(0, 32)}\n              ${id.slice(32)}`,
  sheetsWritten: (paths) =>
    `Fiches de secours, à imprimer puis à effacer :\n${paths.map((path) => `  ${path}`).join('\n')}`,
  badSheetLine: (n) => `La ligne ${n} est mal tapée. Comparez lettre par lettre.`,
  badSheet: () =>
    "Ces lignes ne sont pas une fiche de secours : quatre lignes, chacune de quatre groupes de quatre et d'un contrôle.",
  askSheetLine: (n) => `Ligne ${n} : `,
  askKeyName: () => 'Nom de la clé, comme sur la fiche : ',
  recovered: (name, path) =>
    `La clé « ${name} » est de nouveau dans ${path}, sous sa nouvelle phrase secrète.`,

  listOf: (group) => `Liste du groupe ${group}`,
  outVersion: (version) => (version === 0 ? "rien n'est encore publié" : `la version ${version} est publiée`),
  added: (n) => `${signed(n)} ${n <= 1 ? 'cible' : 'cibles'}`,
  removed: (n) => `-${n} ${n <= 1 ? 'cible' : 'cibles'}`,
  changed: (n) => `${count(n, 'cible changée', 'cibles changées')}`,
  campaignsChanged: () => 'campagnes changées',
  nothingChanged: () => "La même liste est déjà publiée : il n'y a rien à faire.",
  costs: (month, day) =>
    `${month} par mois (${day} par jour) sur un appareil qui mesure toutes les 15 minutes, selon la taille des pages`,
  needConsent: (n) =>
    `${count(n, 'entrée demande', 'entrées demandent')} un consentement : sans lui, les appareils ${n <= 1 ? "l'ignorent" : 'les ignorent'}`,
  inCore: (n) =>
    `${count(n, 'entrée est', 'entrées sont')} déjà dans la liste de base, et ${n <= 1 ? 'mesurée' : 'mesurées'} une fois`,
  leftOut: (n, code) => `${count(n, 'entrée ignorée', 'entrées ignorées')} par les appareils : ${code}`,
  warnings: (n, path) => `${count(n, 'avertissement')} : sonde-coordinator lint ${path}`,
  onDevices: (n) =>
    `${count(n, 'appareil mesurait', 'appareils mesuraient')} d'après cette liste aux dernières nouvelles`,
  statusAt: (url) => `Sur ${url} :`,
  statusList: (name, version, until) =>
    version === 0
      ? `  ${name} : rien n'est publié`
      : `  ${name} : la version ${version} est publiée, signée jusqu'au ${until}`,
  statusHave: (n) => `    ${count(n, "appareil l'a", "appareils l'ont")}`,
  statusBehind: (device, version, heard) =>
    `    pas encore : ${device} (version ${version}, dernières nouvelles ${heard})`,
  statusNone: (device, heard) =>
    `  ${device} ne mesure la liste d'aucun groupe (dernières nouvelles ${heard})`,
  never: () => 'jamais',
  seenForReaders: () =>
    "Quels appareils l'ont n'est dit qu'aux lecteurs : donnez le fichier du jeton, --reader-token FILE.",
  soonOver: (name, on) =>
    `${name} doit être signé à nouveau avant le ${on}, sinon les appareils ne prennent plus de nouvelle liste.`,
  previewOf: (group, n) => `Un appareil de ${group} mesurerait ${count(n, 'cible')} :`,
  campaignNone: (group) => `La liste de ${group} n'a pas de campagne.`,
  campaignLine: (name, from, to, every, inputs) =>
    `  ${name} : de ${from} à ${to}, toutes les ${count(every, 'minute')}, ${inputs}`,
  allEntries: () => 'toute la liste',
  campaignUnknown: (name, group) => `La liste de ${group} n'a pas de campagne « ${name} ».`,
  campaignThere: (name, group) =>
    `La liste de ${group} a déjà une campagne « ${name} » : retirez-la d'abord, ou choisissez un autre nom.`,
  campaignOver: (to) => `Elle serait déjà finie : --to est ${to}.`,
  campaignNeeds: (option) => `campaign add demande ${option}.`,
  campaignNoList: (group) => `Aucune liste de ${group} n'est publiée : poussez-en une d'abord.`,
  campaignBad: (why) => `Ce n'est pas une campagne : ${why}`,
  proposed: (to) =>
    `La proposition est dans ${to}. Deux des trois détenteurs la signent, l'un après l'autre :\n  sonde-coordinator sign ${to} --key offline-1\nEnsuite : sonde-coordinator publish --to URL --with ${to}`,
  proposalIs: () => 'Cette proposition :',
  onlyRenewed: () => 'ne change que des dates : ce qui était signé vaut plus longtemps',
  groupAdded: (name) => `crée un groupe : ${name}`,
  groupRemoved: (name) => `supprime un groupe : ${name}. Ses appareils continuent avec la liste de base`,
  groupKeyChanged: (name) => `met une autre clé à la place de celle du groupe ${name}`,
  offlineOut: (id) => `retire une clé hors ligne : ${id}`,
  offlineIn: (id) => `ajoute une clé hors ligne : ${id}`,
  collectorKeysChanged: () =>
    'change les clés du collecteur, qui disent quelles listes sont les listes actuelles',
  targetChanged: (path) => `change ${path}, que tous les appareils mesurent`,
  askSign: () => 'Est-ce bien ce dont vous êtes convenus ? Signer ?',
  signedOne: (path) => `Signé. Il faut encore un détenteur : donnez-lui ${path}.`,
  signedEnough: (path) => `Signé, et c'est assez : sonde-coordinator publish --to URL --with ${path}`,
  noProposal: (path, why) => `${path} n'est pas une proposition : ${why}`,
  notEnough: (path, role) =>
    `Trop peu de détenteurs ont signé ${path} (${role}) : donnez-le au suivant, sonde-coordinator sign.`,
  askPublish: () => 'Signer et publier ceci ?',
  published: (group, version, url) =>
    `La version ${version} de la liste de ${group} est publiée sur ${url}. Les appareils la mesurent après leur prochaine mise à jour.`,
  withdrawnOut: (group, version, url) =>
    `La liste de ${group} est retirée (version ${version}) sur ${url} : les appareils l'oublient à leur prochaine mise à jour.`,
  publishedAll: (url) => `Publié sur ${url} :`,
}
