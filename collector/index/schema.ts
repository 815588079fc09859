// The tables of the index, in plain SQL that SQLite and PostgreSQL read alike, types and pragmas aside.

/**
 * Version of this schema. An index with another number is made again from the archive: there is nothing to migrate.
 */
export const schemaVersion = 4

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
    backlog_records integer,
    backlog_batches integer,
    payload_fault text,
    unreadable integer not null
  ) without rowid;
  create index if not exists batches_by_device on batches (device, received_at);

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

  -- What is known of the true time: dating.md. The first and the last moment of a boot in an epoch are there too, for
  -- what the boots around it say. The receipt of this batch must say this time, or the moment counts for nothing.
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
    batch text,
    at integer,
    epoch text,
    edge text,
    -- What all of the boot together says, once it has been asked; null where that is nothing.
    asked integer not null default 0,
    earliest real,
    latest real
  );
  create index if not exists moments_by_boot on moments (device, boot);
  create index if not exists moments_by_batch on moments (batch);

  -- The boots of an epoch, in the order of their records.
  create table if not exists boots (
    device text not null,
    epoch text not null,
    boot text not null,
    first_n integer not null,
    last_n integer not null,
    -- What its neighbours may take from it: its last moment is not before, its first not after.
    ends_after real,
    begins_before real,
    primary key (device, epoch, boot)
  ) without rowid;

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
