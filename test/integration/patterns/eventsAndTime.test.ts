import { describe, expect, it, vi } from 'vitest';
import { eventCommand } from '../../../cli/commands/event.js';
import type { Run } from '../../../client/index.js';
import { usePatternsStack } from './patternsStack.js';
import type { CollectState } from './project/collectWorkflow.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const wait = (name: string, more: Partial<Extract<Spec, { do: 'event' }>> = {}): Spec => ({
  do: 'event',
  name,
  ...more,
});
/** One after the other. */
const inTurn = (bodies: Record<string, Spec>): Spec => ({
  do: 'dag',
  steps: Object.fromEntries(
    Object.entries(bodies).map(([name, body], index, all) => [
      name,
      { body, ...(index > 0 && { after: [all[index - 1]![0]] }) },
    ]),
  ),
});
const send = (run: Run, name: string, more: object = {}) => stack().client.sendEvent(run.id, name, more);

/** The run, once that many of its waits have begun. */
async function waiting(spec: Spec, waits = 1): Promise<Run> {
  const run = await stack().start(spec);
  await vi.waitFor(
    async () => {
      const patterns = (await stack().client.show(run.id, { underWay: true })).patterns ?? [];
      expect(patterns.filter(({ pattern }) => pattern === 'waitForEvent')).toHaveLength(waits);
    },
    { timeout: 20_000, interval: 50 },
  );
  return run;
}

describe('an event', () => {
  it('is taken by who waits for its name and key, with its data', async () => {
    const branches = { a: wait('paid', { key: 'a' }), b: wait('paid', { key: 'b' }), plain: wait('paid') };
    const run = await waiting({ do: 'parallel', branches }, 3);
    expect(await send(run, 'paid', { key: 'b', data: { usd: 2 } })).toMatchObject({ state: 'taken' });
    expect(await send(run, 'paid', { data: null })).toMatchObject({ state: 'taken' });
    expect(await send(run, 'paid', { key: 'a' })).toMatchObject({ state: 'taken' });
    expect(await run.result()).toEqual({ a: null, b: { usd: 2 }, plain: null });
  });

  it('that comes before it is waited for is kept, each for one wait, in order', async () => {
    const body = inTurn({ go: wait('go'), first: wait('paid'), second: wait('paid') });
    const run = await waiting(body);
    for (const data of [1, 2, 3]) expect(await send(run, 'paid', { data })).toMatchObject({ state: 'kept' });
    await send(run, 'go');
    expect(await run.result()).toMatchObject({ first: 1, second: 2 });
  });

  it('counts once, however often it is sent under its id', async () => {
    const run = await waiting(inTurn({ one: wait('paid'), two: wait('paid') }));
    for (let time = 0; time < 3; time += 1)
      expect(await send(run, 'paid', { id: 'same', data: 1 })).toEqual({ id: 'same', state: 'taken' });
    await send(run, 'paid', { id: 'other', data: 2 });
    expect(await run.result()).toMatchObject({ one: 1, two: 2 });
  });

  it('is refused to its sender when its data do not fit, and still waited for', async () => {
    const run = await waiting(wait('paid', { amount: true }));
    await expect(send(run, 'paid', { data: { amount: 'much' } })).rejects.toMatchObject({
      type: 'Event.Refused',
      message: 'paid: data.amount: is no number',
    });
    expect(await send(run, 'paid', { data: { amount: 3 } })).toMatchObject({ state: 'taken' });
    expect(await run.result()).toEqual({ amount: 3 });
  });

  it('that came early and does not fit is dropped, and the next one taken', async () => {
    const run = await waiting(inTurn({ go: wait('go'), paid: wait('paid', { amount: true }) }));
    await send(run, 'paid', { data: 'wrong' });
    await send(run, 'paid', { data: { amount: 5 } });
    await send(run, 'go');
    expect(await run.result()).toMatchObject({ paid: { amount: 5 } });
  });

  it('is refused beyond what a run keeps, and by runs that are not there or have ended', async () => {
    const run = await waiting(wait('end'));
    // The server takes ten at a time.
    for (let batch = 0; batch < 10; batch += 1)
      await Promise.all(Array.from({ length: 10 }, (_, data) => send(run, 'early', { data })));
    await expect(send(run, 'early')).rejects.toMatchObject({
      type: 'Event.Refused',
      message: expect.stringContaining('keeps 100 events') as string,
    });
    await send(run, 'end');
    await run.result();
    await expect(send(run, 'early')).rejects.toMatchObject({
      type: 'Event.Refused',
      message: expect.stringContaining('has ended (completed)') as string,
    });
    await expect(stack().client.sendEvent('no-such-run', 'x')).rejects.toMatchObject({ type: 'Run.Unknown' });
    await expect(send(run, 'a/b', { key: '', data: 'x'.repeat(64_001) })).rejects.toMatchObject({
      type: 'Event.Refused',
    });
  });

  it('that does not come in time is a failure that says so; what cannot be waited for is another', async () => {
    expect(await stack().failure(wait('paid', { timeout: 50 }))).toMatchObject({
      type: 'Event.Expired',
      details: { step: 'event/paid#1' },
    });
    expect(await stack().failure(wait('a/b', { timeout: 0 }))).toMatchObject({ type: 'Pattern.InvalidSteps' });
  });

  it('may race another; what the loser waited for stays', async () => {
    const branches = { paid: wait('paid'), refused: wait('refused') };
    const run = await waiting(inTurn({ first: { do: 'race', branches }, then: wait('refused') }), 2);
    await send(run, 'paid', { data: 'yes' });
    await send(run, 'refused', { data: 'no' });
    expect(await run.result()).toMatchObject({ first: { winner: 'paid', output: 'yes' }, then: 'no' });
  });

  it('is refused after the run was cancelled', async () => {
    const run = await waiting(wait('paid'));
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    await expect(send(run, 'paid')).rejects.toMatchObject({ type: 'Event.Refused' });
  });

  it('goes to each round of a loop once, through further executions', async () => {
    const state: CollectState = { version: 1, upTo: 60, seen: [] };
    const run = await stack().client.start<number[]>('collect', state);
    const last = 'x'.repeat(60_000);
    for (let time = 0; time < 7; time += 1) await send(run, 'last', { data: last });
    const ids = Array.from({ length: 60 }, (_, number) => number);
    for (const number of ids) {
      await send(run, 'number', { id: `n${number}`, data: number });
      if (number % 10 === 5) await send(run, 'number', { id: `n${number - 5}`, data: 'again' });
    }
    expect(await run.result()).toEqual([...ids, last]);
    const { runId } = await stack().client.temporal.workflow.getHandle(run.id).describe();
    expect(runId).not.toBe(run.runId);
  });

  it('is shown as waited for, and sent by `segno event`', async () => {
    vi.stubEnv('TEMPORAL_ADDRESS', stack().temporalAddress);
    vi.stubEnv('DATABASE_URL', stack().databaseUrl);
    vi.stubEnv('NO_COLOR', '1');
    let written = '';
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written += String(text);
      return true;
    });
    const segno = async (...args: string[]): Promise<string> => {
      written = '';
      await eventCommand().parseAsync(args, { from: 'user' });
      return written;
    };
    try {
      const run = await waiting(wait('paid', { key: 'order-17', timeout: '3d' }));
      const { patterns = [] } = await stack().client.show(run.id, { underWay: true });
      expect(patterns[0]?.waitsFor).toMatch(/^the event paid \(order-17\), until 20/);
      expect(await segno(run.id, 'paid', '--id', 'e1')).toBe(
        `Kept by ${run.id}, which does not wait for it yet (paid, id e1).\n`,
      );
      const receipt: unknown = JSON.parse(
        await segno(run.id, 'paid', '--key', 'order-17', '--data', '{"usd":3}', '--id', 'e2', '--json'),
      );
      expect(receipt).toEqual({ run: run.id, id: 'e2', state: 'taken' });
      await expect(segno(run.id, 'paid', '--data', '{')).rejects.toMatchObject({ type: 'Run.InvalidInput' });
      expect(await run.result()).toEqual({ usd: 3 });
    } finally {
      write.mockRestore();
      vi.unstubAllEnvs();
    }
  });
});

describe('a moment', () => {
  it('is waited for, and one that is over is not', async () => {
    expect(await stack().run({ do: 'sleepUntil', inMs: 100 })).toBe(true);
    const run = await stack().start({ do: 'sleepUntil', inMs: -1 });
    await run.result();
    const { events } = await stack().client.temporal.workflow.getHandle(run.id).fetchHistory();
    expect(events?.some(({ timerStartedEventAttributes }) => timerStartedEventAttributes)).toBe(false);
  });

  it('may lie far ahead, is shown, and is no longer waited for when the run is cancelled', async () => {
    const run = await stack().start({ do: 'sleepUntil', inMs: 500 * 365 * 86_400_000 });
    await vi.waitFor(
      async () => {
        const { patterns = [] } = await stack().client.show(run.id, { underWay: true });
        expect(patterns[0]?.waitsFor).toMatch(/^25\d\d-/);
      },
      { timeout: 20_000, interval: 50 },
    );
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
  });
});

describe('an interval', () => {
  const every = (more: object): Spec => ({ do: 'every', every: 100, rounds: [{ do: 'value', value: 1 }], ...more });
  interface Every {
    began: number[];
    skipped: number;
    statuses: string[];
  }

  it('begins its rounds at whole multiples of its time, the first at once', async () => {
    const { began, skipped } = (await stack().run(every({ times: 4 }))) as Every;
    expect(began[0]).toBeLessThan(100);
    began.forEach((ms, round) => expect(ms).toBeGreaterThanOrEqual(round * 100));
    expect(began).toHaveLength(4);
    expect(skipped).toBeGreaterThanOrEqual(0);
  });

  it('leaves out the times a slow round runs over, and makes none of them up before its next time', async () => {
    const slow: Spec = { do: 'sleep', ms: 250 };
    const { began, skipped } = (await stack().run(
      every({ times: 3, rounds: [slow, { do: 'value', value: 1 }] }),
    )) as Every;
    expect(began[1]).toBeGreaterThanOrEqual(300);
    expect(skipped).toBeGreaterThanOrEqual(2);
    expect(began).toHaveLength(3);
  });

  it('begins no round at its end, and goes on after a failed one where it is told to', async () => {
    const rounds: Spec[] = [
      { do: 'fail', message: 'no' },
      { do: 'value', value: 1 },
    ];
    const { statuses } = (await stack().run(every({ times: 2, rounds, onFailure: 'continue' }))) as Every;
    expect(statuses).toEqual(['failed', 'completed']);
    const { began, skipped } = (await stack().run(every({ untilMs: 350 }))) as Every;
    expect(began.length + skipped).toBe(4);
    expect(await stack().failure(every({ times: 2, rounds }))).toMatchObject({ type: 'Tool.Failed', message: 'no' });
  });

  it('is refused without a bound, and with too many rounds', async () => {
    expect(await stack().failure(every({}))).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message: 'everyInterval: times or until must say when it ends',
    });
    expect(await stack().failure(every({ every: 1, untilMs: 10_000 }))).toMatchObject({
      message: expect.stringContaining('there would be 10000 rounds, of at most 500') as string,
    });
  });
});

describe('without a worker', () => {
  it('an event waits for one', async () => {
    const run = await waiting(wait('paid'));
    await stack().stopWorker();
    const onNoWorker = vi.fn();
    await expect(send(run, 'paid', { id: 'late', timeoutMs: 500, onNoWorker })).rejects.toMatchObject({
      type: 'Event.Undelivered',
    });
    const sent = send(run, 'paid', { id: 'late', data: 1, onNoWorker });
    await stack().startWorker();
    expect(await sent).toMatchObject({ id: 'late' });
    expect(await run.result()).toBeDefined();
  });
});
