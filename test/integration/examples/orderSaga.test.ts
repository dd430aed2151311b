/** The order saga against its shop: what the shop did is read from its journal, where every line is one effect. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SegnoError } from 'segno';
import type { Run } from 'segno/client';
import { startTestStack, type TestStack } from 'segno/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import * as agents from '../../../examples/order-saga/agents.js';
import type { Order } from '../../../examples/order-saga/order.js';
import { type Entry, readJournal } from '../../../examples/order-saga/shop.js';
import * as tools from '../../../examples/order-saga/tools.js';
import type { ConfirmedOrder } from '../../../examples/order-saga/workflow.js';

const folder = new URL('../../../examples/order-saga/', import.meta.url);
const poll = { timeout: 60_000, interval: 50 };
let dir: string;
let stack: TestStack;
/** Refuses the mails of the order `unmailed`. */
let postIsDown = true;
const mailConfirmation: typeof tools.mailConfirmation = {
  ...tools.mailConfirmation,
  execute(input, context) {
    const isRefused = postIsDown && input.order.id === 'unmailed';
    if (isRefused) throw new SegnoError('Tool.Failed', 'the post is down', { retryable: false });
    return tools.mailConfirmation.execute(input, context);
  },
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'segno-shop-'));
  vi.stubEnv('SEGNO_SHOP', join(dir, 'shop.jsonl'));
  const workflows = new URL('workflow.ts', folder).href;
  stack = await startTestStack({
    agents: [agents],
    tools: [{ ...tools, mailConfirmation }],
    workflows,
    model: 'offline',
  });
}, 180_000);
afterAll(async () => {
  await stack?.close();
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true, force: true });
}, 60_000);

/** @param changes also the order's id, under which the journal has it */
function place(input: string, changes: Partial<Order> & { id: string }): Promise<Run<ConfirmedOrder>> {
  const order = JSON.parse(readFileSync(new URL(`input/${input}.json`, folder), 'utf8')) as Order;
  return stack.client.start<ConfirmedOrder>('orderSaga', { ...order, ...changes });
}

async function failureOf(run: Run<ConfirmedOrder>): Promise<unknown> {
  return run.result().then(
    (result) => Promise.reject(new Error(`completed with ${JSON.stringify(result)}`)),
    (error: unknown) => error,
  );
}

function entriesOf(order: string): Entry[] {
  return readJournal().filter((entry) => entry.order === order);
}

/** In the order in which the shop did them, each under a key of its own. */
function actsOf(order: string): string[] {
  const entries = entriesOf(order);
  expect(new Set(entries.map(({ key }) => key)).size).toBe(entries.length);
  return entries.map(({ act }) => act);
}

/** Each effect: tool, what became of it, how often it was called, and who settled what was lost. */
async function accountOf(run: Run<ConfirmedOrder>): Promise<string[]> {
  const account: string[] = [];
  for await (const { tool, outcome, attempts, settled } of stack.client.effects(run.id)) {
    account.push(`${tool} ${outcome} ${attempts}${settled ? ` ${settled.by}` : ''}`);
  }
  return account;
}

async function waitsFor(run: Run<ConfirmedOrder>): Promise<string[]> {
  const { patterns = [] } = await stack.client.show(run.id, { underWay: true });
  return patterns.flatMap(({ pattern }) => (pattern === 'waitForEvent' ? [pattern] : []));
}

describe('order-saga', () => {
  it('reserves, charges, books and mails, each once', async () => {
    const run = await place('fine', { id: 'fine' });
    const { payment, pickup, confirmation } = await run.result();
    expect(actsOf('fine')).toEqual(['reserve', 'charge', 'book', 'mail']);
    expect(entriesOf('fine')[1]).toMatchObject({ id: payment });
    expect(pickup).toBe('tomorrow at nine');
    expect(confirmation).toContain('2 × copper kettle');
  });

  it('gives the stock back once when the card is declined', async () => {
    const run = await place('declined', { id: 'declined' });
    expect(await failureOf(run)).toMatchObject({ type: 'Tool.Failed', message: expect.stringContaining('declined') });
    expect(actsOf('declined')).toEqual(['reserve', 'release']);
    const [reserved, released] = entriesOf('declined');
    expect(released?.id).toBe(reserved?.id);
  });

  it('refunds and gives back, in this order, when no carrier takes it', async () => {
    const run = await place('no-carrier', { id: 'no-carrier' });
    expect(await failureOf(run)).toMatchObject({ type: 'Tool.Failed', message: expect.stringContaining('carrier') });
    expect(actsOf('no-carrier')).toEqual(['reserve', 'charge', 'refund', 'release']);
  });

  it('takes everything back, the last first, when it is cancelled while it waits for the carrier', async () => {
    const run = await place('freight', { id: 'cancelled' });
    await expect.poll(() => waitsFor(run), poll).toHaveLength(1);
    await run.cancel();
    expect(await failureOf(run)).toMatchObject({ type: 'Run.Cancelled' });
    expect(actsOf('cancelled')).toEqual(['reserve', 'charge', 'book', 'unbook', 'refund', 'release']);
  });

  it('goes on when the carrier says when it comes', async () => {
    const run = await place('freight', { id: 'freight' });
    await stack.client.sendEvent(run.id, 'pickup', { key: 'freight', data: { pickup: 'Friday at ten' } });
    expect(await run.result()).toMatchObject({ pickup: 'Friday at ten' });
    expect(actsOf('freight')).toEqual(['reserve', 'charge', 'book', 'mail']);
  });

  it('does nothing twice when every first answer is lost', async () => {
    const run = await place('bad-connection', { id: 'bad' });
    await run.result();
    expect(actsOf('bad')).toEqual(['reserve', 'charge', 'book', 'mail']);
    expect(await accountOf(run)).toEqual([
      'reserveStock done 2',
      'chargeCard done 1 reconcile',
      'bookParcel done 2',
      'mailConfirmation done 2',
    ]);
  });

  it('takes nothing back twice when every first answer is lost', async () => {
    const run = await place('no-carrier', { id: 'bad-back', connection: 'bad' });
    await failureOf(run);
    expect(actsOf('bad-back')).toEqual(['reserve', 'charge', 'refund', 'release']);
    expect(await accountOf(run)).toEqual([
      'reserveStock undone 2',
      'chargeCard undone 1 reconcile',
      'bookParcel failed 1',
      'chargeCard done 2',
      'reserveStock done 2',
    ]);
  });
  it('keeps an order that could not be mailed, and a retry mails it and charges nothing', async () => {
    const run = await place('fine', { id: 'unmailed' });
    expect(await failureOf(run)).toMatchObject({ message: expect.stringContaining('the post is down') });
    expect(actsOf('unmailed')).toEqual(['reserve', 'charge', 'book']);
    postIsDown = false;
    await (await stack.client.retry(run.id)).result();
    expect(actsOf('unmailed')).toEqual(['reserve', 'charge', 'book', 'mail']);
  });
});
