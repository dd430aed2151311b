/** What a kill does to a map of many items: those that are recorded as done are never done again, effects follow their protocol. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MapReduced } from '../../workflows/index.js';
import { type ChaosStack, startChaosStack } from './chaosStack.js';
import { eventually } from './eventually.js';
import { inFull } from './inFull.js';
import { type EffectNote, effectsOf } from './killRun.js';

let stack: ChaosStack;

beforeAll(async () => {
  stack = await startChaosStack();
});
afterAll(() => stack?.close());

type Tool = 'lookUp' | 'bookItem' | 'mailItem';

interface Killed {
  readonly runId: string;
  readonly result: MapReduced<number>;
  /** Keys of the items that were recorded as done before the kill. */
  readonly finished: ReadonlySet<string>;
  /** Keys of the items that were done once more after the kill. */
  readonly again: readonly string[];
  readonly effects: readonly EffectNote[];
}

/** Batches at once, and in each of them items at once and items whose results are about to be written. */
const [batches, inBatch, unwritten] = [4, 16, 200];

async function killInTheMiddle(tool: Tool, count: number, victim: 'worker' | 'tree' | 'ledger'): Promise<Killed> {
  await stack.restart();
  const { id, runId } = await stack.client.start('mapItems', { tool, count } as never);
  const notes = (of: EffectNote['phase'] = 'effect'): EffectNote[] =>
    effectsOf(stack.dir).filter(({ key, phase }) => phase === of && key.startsWith(`${runId}/`));
  await eventually(() => notes().length > count / 3, 'a third of the items');
  // Effects are held from now on, so that the kill cuts some.
  const gate = join(stack.dir, 'gates', `${tool}.after`);
  writeFileSync(gate, '');
  // Between two writes of a group no effect is under way, and a kill at that moment would cut none.
  if (tool !== 'lookUp') await eventually(() => notes('held').length > 0, 'an effect that is held');
  const finished = new Set(await doneItems(runId));
  const before = notes().length;
  expect(before, 'the kill comes in the middle').toBeLessThan(count);
  await stack.kill(victim);
  rmSync(gate);
  await stack.restart();
  const result = await eventually(async () => (await stack.client.get(id)).result(), 'the map to end', 120_000);
  const effects = notes();
  const keys = effects.map(({ key }) => key);
  const again = keys.filter((key, index) => index >= before && keys.indexOf(key) < index);
  return { runId, result: result as MapReduced<number>, finished, again, effects };
}

async function doneItems(runId: string): Promise<string[]> {
  const { rows } = await stack.ledger.query<{ key: string }>(
    `select key from segno.steps where key like $1 and state = 'done'`,
    [`${runId}/mapReduce#1/map/item#%`],
  );
  return rows.map(({ key }) => key);
}

describe('a map that is killed in the middle', () => {
  it.each([['lookUp', 'tree', 3_000], ['bookItem', 'worker', 600], ...inFull(['lookUp', 'worker', 3_000])] as const)(
    'does no finished item again: %s, %s',
    async (tool, victim, count) => {
      const { result, finished, again, effects } = await killInTheMiddle(tool, count, victim);
      expect(result).toMatchObject({ status: 'completed', output: count, steps: { total: count, completed: count } });
      expect(finished.size).toBeGreaterThan(0);
      expect(again.filter((key) => finished.has(key))).toEqual([]);
      expect(again.length).toBeLessThanOrEqual(batches * (inBatch + (tool === 'lookUp' ? unwritten : 0)));
      expect(new Set(effects.map(({ key }) => key)).size).toBe(count);
    },
  );

  it('does no effect twice that may happen once: what it cannot know of fails', async () => {
    const count = 600;
    const { result, again, effects } = await killInTheMiddle('mailItem', count, 'worker');
    expect(again).toEqual([]);
    const { completed, failed, failures } = result.steps;
    expect(completed + failed).toBe(count);
    expect(failed).toBeGreaterThan(0);
    expect(failed).toBeLessThanOrEqual(batches * inBatch);
    expect(failures.map(({ error }) => error.type)).toEqual(failures.map(() => 'Tool.OutcomeUnknown'));
    // An item that was cut before it took effect has not been mailed, and is not mailed later.
    expect(effects.length).toBeGreaterThanOrEqual(completed);
  });

  it('goes on when the ledger was killed, with every item done', async () => {
    const { result, finished, again } = await killInTheMiddle('lookUp', 3_000, 'ledger');
    expect(result).toMatchObject({ status: 'completed', output: 3_000 });
    expect(again.filter((key) => finished.has(key))).toEqual([]);
  });
});
