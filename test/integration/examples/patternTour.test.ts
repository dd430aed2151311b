/** Each workflow of the pattern tour as its README runs it, on the offline model. */
import { readFileSync } from 'node:fs';
import { startTestStack, type TestStack } from 'segno/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as agents from '../../../examples/pattern-tour/agents.js';
import * as tools from '../../../examples/pattern-tour/tools.js';
import type * as workflows from '../../../examples/pattern-tour/workflow.js';

const folder = new URL('../../../examples/pattern-tour/', import.meta.url);
const readme = readFileSync(new URL('README.md', folder), 'utf8');
let stack: TestStack;

type Workflow = keyof typeof workflows;
type ResultOf<Name extends Workflow> = Awaited<ReturnType<(typeof workflows)[Name]>>;

beforeAll(async () => {
  stack = await startTestStack({
    agents: [agents],
    tools: [tools],
    workflows: new URL('workflow.ts', folder).href,
    model: 'offline',
  });
}, 180_000);
afterAll(() => stack?.close(), 60_000);

/** With the input the README's command names. */
async function run<Name extends Workflow>(name: Name): Promise<{ result: ResultOf<Name>; tookMs: number }> {
  const command = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const [, file = 'none'] =
    new RegExp(`segno run ${command} --input examples/pattern-tour/(\\S+\\.json)`).exec(readme) ?? [];
  const input: unknown = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
  const startedAt = performance.now();
  const result = await (await stack.client.start<ResultOf<Name>>(name, input)).result();
  return { result, tookMs: performance.now() - startedAt };
}

/** How long the attic's main server takes. */
const overloadedMs = 20_000;

describe('the pattern tour', () => {
  it('dag: has totals of both shops, and what buyers say', async () => {
    const { result } = await run('compareOffers');
    expect(result.totals).toEqual([
      { shop: 'harbour', delivered: 41.8 },
      { shop: 'mill', delivered: 43.8 },
    ]);
    expect(result.buyers).toMatch(/litre|lid/);
  });

  it('race: takes the first price, and does not wait for the overloaded shop', async () => {
    const { result, tookMs } = await run('firstPrice');
    const prices = { harbour: 39, mill: 41, attic: 36 };
    expect(result.price).toBe(prices[result.winner]);
    expect(tookMs).toBeLessThan(overloadedMs);
  });

  it('hedge: has the price from the mirror of the overloaded server', async () => {
    const { result, tookMs } = await run('hedgedPrice');
    expect(result).toEqual({ shop: 'attic', price: 36, answeredBy: 'mirror' });
    expect(tookMs).toBeLessThan(overloadedMs);
  });

  it('barrier: has bids of every shop in every round, each under the lowest of the round before where it can be', async () => {
    const { result } = await run('sealedBids');
    const bids = result.rounds.map((round) => Object.fromEntries(round.map(({ shop, price }) => [shop, price])));
    expect(bids).toEqual([
      { harbour: 39, mill: 41, attic: 36 },
      { harbour: 35, mill: 35, attic: 35 },
      { harbour: 34, mill: 35, attic: 34 },
    ]);
    expect(result.lowest).toBe(34);
  });

  it('withTimeout: keeps what was answered in time, and names who was left out', async () => {
    const { result, tookMs } = await run('priceOnThePhone');
    expect([...result.offers.map(({ shop }) => shop), ...result.leftOut]).toEqual(['harbour', 'mill', 'attic']);
    expect(result.leftOut).toContain('attic');
    expect(tookMs).toBeLessThan(overloadedMs);
  });

  it('repeatUntil: asks again until the quote is ready', async () => {
    const { result } = await run('awaitQuote');
    expect(result).toMatchObject({ ready: true, pricePerPiece: 37 });
    expect(result.rounds).toBeGreaterThan(1);
  });

  it('loop: ends on the first day the price is under the limit', async () => {
    expect((await run('watchPrice')).result).toEqual({ day: 3, price: 34 });
  });

  it('waitForEvent: has the parcels of both shops, in whichever order they come', async () => {
    const started = await stack.client.start<ResultOf<'awaitParcels'>>('awaitParcels', { product: 'kettle' });
    for (const [key, pieces] of [
      ['mill', 20],
      ['harbour', 30],
    ] as const)
      await stack.client.sendEvent(started.id, 'delivered', { key, data: { pieces } });
    expect(await started.result()).toEqual({ product: 'kettle', pieces: 50 });
  });

  it('sleepUntil: has the price of the shop when it opens', async () => {
    const { result, tookMs } = await run('priceAtOpening');
    expect(result.price).toBe(37);
    expect(tookMs).toBeGreaterThanOrEqual(2_000);
  });

  it('everyInterval: has the prices of three days, a day each', async () => {
    const { result, tookMs } = await run('pricesOfTheWeek');
    expect(result.prices).toEqual([41, 40, 40]);
    expect(tookMs).toBeGreaterThanOrEqual(2_000);
  });

  it('has a command in its README for each of its workflows', async () => {
    const source = readFileSync(new URL('workflow.ts', folder), 'utf8');
    const names = [...source.matchAll(/^export async function (\w+)/gm)].map(([, name = '']) => name);
    const commands = names.map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
    expect(commands.filter((command) => !readme.includes(`segno run ${command} `))).toEqual([]);
    expect(commands).toHaveLength(10);
  });
});
