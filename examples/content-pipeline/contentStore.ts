/**
 * The content store: tables of their own schema in the database that DATABASE_URL names, which is the ledger's.
 *
 * Invariants:
 * 1. A write carries the idempotency key of its tool call: made twice, it is the same row.
 * 2. Versions and publications are only ever added; the newest counts.
 */
import { SegnoError } from 'segno';
import pg from 'pg';

export interface Content {
  title: string;
  text: string;
  authorId: string;
}

interface Call {
  contentId: string;
  userId: string;
  idempotencyKey: string;
}

const schema = `
  select pg_advisory_xact_lock(hashtext('content_pipeline'));
  create schema if not exists content_pipeline;
  create table if not exists content_pipeline.contents (
    id text primary key,
    title text not null,
    body text not null,
    author_id text not null,
    created_at timestamptz not null default now()
  );
  create table if not exists content_pipeline.versions (
    idempotency_key text primary key,
    content_id text not null references content_pipeline.contents,
    number integer not null,
    body text not null,
    improvements jsonb not null,
    saved_by text not null,
    saved_at timestamptz not null default now(),
    unique (content_id, number)
  );
  create table if not exists content_pipeline.publications (
    idempotency_key text primary key,
    content_id text not null,
    version integer not null,
    url text not null,
    social_posts jsonb not null,
    published_by text not null,
    published_at timestamptz not null default now(),
    foreign key (content_id, version) references content_pipeline.versions (content_id, number)
  );`;

let opened: Promise<pg.Pool> | undefined;

/** One pool a worker, opened by the first call; a failed start is tried again by the next. */
function open(): Promise<pg.Pool> {
  opened ??= connect().catch((error: unknown) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

async function connect(): Promise<pg.Pool> {
  const connectionString = process.env['DATABASE_URL'];
  if (!connectionString) throw new SegnoError('Config.Invalid', 'The content store needs DATABASE_URL.');
  const pool = new pg.Pool({ connectionString, max: 4, allowExitOnIdle: true });
  // A connection that breaks while nobody uses it is replaced by the next query; unheard, the event would end the worker.
  pool.on('error', () => undefined);
  await pool.query(schema);
  return pool;
}

/** The same document of the same title is the same content; its author is who added it first. */
export async function addContent(contentId: string, { title, text, authorId }: Content): Promise<void> {
  const pool = await open();
  await pool.query(
    'insert into content_pipeline.contents (id, title, body, author_id) values ($1, $2, $3, $4) on conflict do nothing',
    [contentId, title, text, authorId],
  );
}

/** @throws SegnoError when there is no such content */
export async function findContent(contentId: string): Promise<Content> {
  const pool = await open();
  const { rows } = await pool.query<Content>(
    'select title, body as text, author_id as "authorId" from content_pipeline.contents where id = $1',
    [contentId],
  );
  if (!rows[0]) throw new SegnoError('Tool.InvalidInput', `There is no content ${contentId} in the content store.`);
  return rows[0];
}

/** @returns the number of the version */
export async function addVersion(
  { contentId, userId, idempotencyKey }: Call,
  { text, improvements }: { text: string; improvements: readonly string[] },
): Promise<number> {
  const pool = await open();
  await pool.query(
    `insert into content_pipeline.versions (idempotency_key, content_id, number, body, improvements, saved_by)
     select $1, $2, coalesce(max(number), 0) + 1, $3, $4, $5 from content_pipeline.versions where content_id = $2
     on conflict do nothing`,
    [idempotencyKey, contentId, text, JSON.stringify(improvements), userId],
  );
  const { rows } = await pool.query<{ number: number }>(
    'select number from content_pipeline.versions where idempotency_key = $1',
    [idempotencyKey],
  );
  // Somebody took the number in the same moment: the tool is idempotent, so Segno calls it again.
  if (!rows[0]) throw new Error(`the version of ${contentId} was not saved: another one was saved at the same time`);
  return rows[0].number;
}

/** @returns the address under which it is published, also when this call had published it before */
export async function addPublication(
  { contentId, userId, idempotencyKey }: Call,
  { version, url, socialPosts }: { version: number; url: string; socialPosts: readonly string[] },
): Promise<string> {
  const pool = await open();
  await pool.query(
    `insert into content_pipeline.publications (idempotency_key, content_id, version, url, social_posts, published_by)
     values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    [idempotencyKey, contentId, version, url, JSON.stringify(socialPosts), userId],
  );
  const { rows } = await pool.query<{ url: string }>(
    'select url from content_pipeline.publications where idempotency_key = $1',
    [idempotencyKey],
  );
  return rows[0]?.url ?? url;
}
