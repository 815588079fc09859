// The tables of the index, in plain SQL that SQLite and PostgreSQL read alike, types and pragmas aside.

/**
 * Version of this schema. An index with another number is made again from the archive: there is nothing to migrate.
 */
export const schemaVersion = 7

export const schema = `
  create table if not exists batches (
    id text primary key,
    device text not null,
    epoch text not null,
    seq integer not null,
    received_at integer not null,
    clock_source text not null,
    clock_uncertainty_ms integer,
    agent_version text not null,
    -- Lists in force when it was sealed, and their versions: JSON.
    lists text not null,
    backlog_records integer,
    backlog_batches integer,
    payload_fault text,
    unreadable integer not null,
    -- What the probe said of itself, as JSON; null when it said nothing that can be read.
    heartbeat text,
    -- Whether its manifest answers orders or encloses a log.
    speaks integer not null,
    -- The last of its rows that was dated; null when all were.
    rows_after integer
  ) without rowid;
  create index if not exists batches_by_device on batches (device, received_at);
  create index if not exists batches_that_speak on batches (device, received_at) where speaks = 1;
  create index if not exists batches_to_date on batches (device) where rows_after is not null;

  -- One row an epoch, so that the state of all probes is read from a few rows however many batches there are.
  create table if not exists epochs (
    device text not null,
    epoch text not null,
    batches integer not null,
    highest_seq integer not null,
    lost integer not null,
    faulty integer not null,
    primary key (device, epoch)
  ) without rowid;

  create table if not exists measurements (
    device text not null,
    epoch text not null,
    n integer not null,
    batch text not null,
    class text not null,
    test_name text not null,
    input text,
    -- By the probe's clock, as it was signed. The moment on its boot's own line is what it is dated by.
    started_at integer not null,
    clock text not null,
    boot text not null,
    mono_ms integer not null,
    suspended_ms integer,
    is_slept integer not null,
    steps integer not null,
    -- Whether its number was given anew, and does not say when it was made.
    carried integer not null,
    wall_ms integer not null,
    -- The same moment as well as everything received so far can tell it; null: nobody can say how well.
    corrected_at integer not null,
    error_ms integer,
    verdict text not null,
    rule text not null,
    step text,
    how text,
    parts text,
    asn text not null,
    cc text not null,
    network_name text not null,
    runtime real not null,
    bytes integer not null,
    received_at integer not null,
    primary key (device, epoch, n)
  ) without rowid;
  create index if not exists measurements_by_target on measurements (test_name, input, asn, corrected_at);
  create index if not exists measurements_by_boot on measurements (device, boot, mono_ms);
  create index if not exists measurements_by_receipt on measurements (received_at, batch, n);

  -- What is known of the true time: dating.md. The receipt of this batch must say this time, or the moment counts for
  -- nothing.
  create table if not exists moments (
    id integer primary key,
    device text not null,
    boot text not null,
    mono_ms integer not null,
    suspended_ms integer,
    is_slept integer not null,
    steps integer not null,
    not_before real,
    not_after real,
    batch text not null,
    at integer not null,
    -- What all of the boot together says, once it has been asked; null where that is nothing.
    asked integer not null default 0,
    earliest real,
    latest real
  );
  create index if not exists moments_by_boot on moments (device, boot);
  create index if not exists moments_by_batch on moments (batch);

  -- The numbers that say when they were given, of each boot in each epoch.
  create table if not exists stretches (
    device text not null,
    epoch text not null,
    boot text not null,
    first_n integer not null,
    last_n integer not null,
    primary key (device, epoch, boot)
  ) without rowid;
  create index if not exists stretches_by_first on stretches (device, epoch, first_n);
  create index if not exists stretches_by_last on stretches (device, epoch, last_n);

  -- Boots that follow each other, as those numbers say: boot-order.ts.
  create table if not exists boot_pairs (
    device text not null,
    earlier text not null,
    later text not null,
    primary key (device, earlier, later)
  ) without rowid;
  create index if not exists boot_pairs_by_later on boot_pairs (device, later, earlier);

  -- The first and the last moment of a boot, for what the boots around it say.
  create table if not exists edges (
    device text not null,
    boot text not null,
    edge text not null,
    mono_ms integer not null,
    suspended_ms integer,
    is_slept integer not null,
    steps integer not null,
    primary key (device, boot, edge)
  ) without rowid;

  create table if not exists boots (
    device text not null,
    boot text not null,
    -- Its place among the boots of its probe, and whether what was signed of that contradicts itself.
    rank integer not null default 0,
    contradicted integer not null default 0,
    -- What its neighbours may take from it: its last moment is not before, its first not after.
    ends_after real,
    begins_before real,
    -- What the line said last of its edges.
    first_said integer not null default 0,
    last_said integer not null default 0,
    first_earliest real,
    first_latest real,
    last_earliest real,
    last_latest real,
    -- What is still to be done: bit 0, to hear those before it; bit 1, those after it; and rows to be dated.
    asked integer not null default 0,
    rows_from integer,
    rows_to integer,
    rows_epoch text not null default '',
    rows_n integer not null default -1,
    primary key (device, boot)
  ) without rowid;
  create index if not exists boots_asked on boots (device, rank) where asked > 0;
  create index if not exists boots_asked_forward on boots (device, rank) where (asked & 1) = 1;
  create index if not exists boots_to_date on boots (device) where rows_from is not null;

  -- Every certificate that some record holds whole, for the records that hold its digest.
  create table if not exists certificates (
    sha256 text primary key,
    der blob not null
  ) without rowid;

  -- What the dashboard shows, kept up to date by each insert: reading it from 10 million rows takes seconds.
  create table if not exists newest (
    test_name text not null,
    input text,
    asn text not null,
    dated_at integer not null,
    device text not null,
    epoch text not null,
    n integer not null
  );
  create unique index if not exists newest_target on newest (test_name, ifnull(input, ''), asn);
`
