// The tables of the index. Plain SQL that SQLite and PostgreSQL read alike, types and pragmas aside.

/** Of this schema. An index with another number is made again from the archive: there is nothing to migrate. */
export const schemaVersion = 2

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
    started_at integer not null,
    clock text not null,
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
  create index if not exists measurements_by_target on measurements (test_name, input, asn, started_at);
  create index if not exists measurements_by_receipt on measurements (received_at, batch, n);

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
