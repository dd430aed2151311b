/**
 * The outside system: warehouse, bank, carrier and mail of a shop, with a journal of all they did. One JSON line each in the file
 * that SEGNO_SHOP names (default `.segno/shop.jsonl`), which outlives any worker.
 *
 * Invariants:
 * 1. Asked again under the same key, the shop does nothing more, and answers as before.
 * 2. A line is written at once and never changed.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { Order } from './order.js';

type Act = 'reserve' | 'release' | 'charge' | 'refund' | 'book' | 'unbook' | 'mail';

export interface Entry {
  act: Act;
  order: string;
  /** Of the reservation, the payment, the parcel, …; what takes one back has that one's. */
  id: string;
  key: string;
}

/** @returns the line of this key, and whether the answer got through */
export function ask(key: string, act: Act, order: Order, id = idOf(act, key)): { id: string; heard: boolean } {
  const known = find(key);
  if (known) return { id: known.id, heard: true };
  const entry: Entry = { act, order: order.id, id, key };
  const journal = journalPath();
  mkdirSync(dirname(journal), { recursive: true });
  appendFileSync(journal, `${JSON.stringify(entry)}\n`);
  return { id, heard: order.connection === 'good' };
}

export function find(key: string): Entry | undefined {
  return readJournal().find((entry) => entry.key === key);
}

export function readJournal(): Entry[] {
  try {
    const lines = readFileSync(journalPath(), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Entry);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function journalPath(): string {
  return resolve(process.env['SEGNO_SHOP'] ?? join('.segno', 'shop.jsonl'));
}

function idOf(act: Act, key: string): string {
  return `${act}-${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}
