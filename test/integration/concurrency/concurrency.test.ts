import { describe, expect, it } from 'vitest';
import { aKey, failureOf, mostAtOnce, useConcurrencyStack } from './concurrencyStack.js';

const stack = useConcurrencyStack({ worker: true });

describe('runs of one key', () => {
  it('go one at a time, in the order in which they were started, and none is lost', async () => {
    const key = aKey();
    const names = Array.from({ length: 50 }, (_, n) => `${n}`);
    const first = await stack().start(key, { name: 'first' });
    const runs = [];
    for (const name of names) runs.push(await stack().start(key, { name, forMs: 0 }));
    await stack().finish(first);
    await Promise.all(runs.map((run) => run.result()));
    expect(stack().notes(key)).toEqual(['first', ...names].flatMap((name) => [`in ${name}`, `out ${name}`]));
  });

  it('go as many at a time as their limit says, and those of another key beside them', async () => {
    const [key, other] = [aKey(), aKey()];
    const held = await stack().start(other, { name: 'held' });
    const runs = await Promise.all(
      Array.from({ length: 20 }, (_, n) => stack().start(key, { name: `${n}`, forMs: 200 }, { limit: 3 })),
    );
    await Promise.all(runs.map((run) => run.result()));
    expect(mostAtOnce(stack().notes(key))).toBe(3);
    await stack().finish(held);
    expect(await held.result()).toBe(`${other} held`);
  });

  it('that wait are shown with their position, and move up when one before them is cancelled', async () => {
    const key = aKey();
    const [holder, second, third, fourth] = [
      await stack().start(key, { name: 'a' }),
      await stack().start(key, { name: 'b', forMs: 0 }),
      await stack().start(key, { name: 'c' }),
      await stack().start(key, { name: 'd', forMs: 0 }),
    ];
    await stack().queued(holder, undefined);
    await stack().queued(fourth, 3);
    const listed = (await stack().client.list({ limit: 100 })).filter(({ queued }) => queued?.key === key);
    expect(listed.map(({ id, queued }) => [id, queued?.position]).reverse()).toEqual([
      [second.id, 1],
      [third.id, 2],
      [fourth.id, 3],
    ]);
    await third.cancel();
    expect(await failureOf(third.result())).toMatchObject({ type: 'Run.Cancelled' });
    await stack().queued(fourth, 2);
    await stack().finish(holder);
    await Promise.all([second.result(), fourth.result()]);
    expect(stack().notes(key)).toEqual(['in a', 'out a', 'in b', 'out b', 'in d', 'out d']);
  });

  it('keep their place through further executions, and their children need none', async () => {
    const key = aKey();
    const first = await stack().start(key, { name: 'a', forMs: 50, goesOn: 3, child: true });
    const second = await stack().start(key, { name: 'b', forMs: 0 });
    await Promise.all([first.result(), second.result()]);
    const notes = stack().notes(key);
    expect(notes.indexOf('in b')).toBeGreaterThan(notes.indexOf('out a'));
    expect(notes.filter((line) => line === 'in a')).toHaveLength(4);
  });

  it('leave their place when they fail, and ask for another when they are retried', async () => {
    const key = aKey();
    const failing = await stack().start(key, { name: 'a', fails: true });
    const second = await stack().start(key, { name: 'b' });
    await stack().finish(failing);
    await failureOf(failing.result());
    await stack().noted(key, 'in b');
    const retried = await stack().client.retry(failing.id);
    await stack().queued(retried, 1);
    await stack().finish(second);
    await second.result();
    await stack().queued(retried, undefined);
    await retried.cancel();
    await failureOf(retried.result());
  });
});

describe('a run that is dropped at the limit', () => {
  it('is not started, and says whom it would have waited for', async () => {
    const key = aKey();
    const drop = { onLimit: 'drop' } as const;
    const holder = await stack().start(key, { name: 'a' }, drop);
    const error = await failureOf(stack().start(key, { name: 'b' }, drop));
    expect(error).toMatchObject({ type: 'Run.Dropped', details: { key, limit: 1, runs: [holder.id] } });
    await stack().finish(holder);
    await holder.result();
    const next = await stack().start(key, { name: 'c', forMs: 0 }, drop);
    await next.result();
    expect(stack().notes(key)).not.toContain('in b');
  });

  it('attaches to the run of its own id, and is not kept out by one that was terminated', async () => {
    const key = aKey();
    const options = { onLimit: 'drop', id: `${key}/nightly` } as const;
    const holder = await stack().start(key, { name: 'a' }, options);
    expect(await stack().start(key, { name: 'a' }, options)).toMatchObject({ attached: true, runId: holder.runId });
    await stack().client.temporal.workflow.getHandle(holder.id).terminate();
    const next = await stack().start(key, { name: 'b', forMs: 0 }, { onLimit: 'drop' });
    await next.result();
  });
});

describe('a run that cancels those before it', () => {
  it('begins when they have undone what they did; one that waited never begins', async () => {
    const key = aKey();
    const older = await stack().start(key, { name: 'a' });
    const waiting = await stack().start(key, { name: 'b' });
    await stack().noted(key, 'in a');
    const newest = await stack().start(key, { name: 'c', forMs: 0 }, { onLimit: 'cancelRunning' });
    await newest.result();
    for (const run of [older, waiting]) {
      expect(await failureOf(run.result())).toMatchObject({ type: 'Run.Cancelled' });
    }
    expect(stack().notes(key)).toEqual(['in a', 'undo a', 'in c', 'out c']);
  });

  it('cancels no more of them than it takes', async () => {
    const key = aKey();
    const options = { limit: 2, onLimit: 'cancelRunning' } as const;
    const [oldest, older] = [
      await stack().start(key, { name: 'a' }, options),
      await stack().start(key, { name: 'b' }, options),
    ];
    const newest = await stack().start(key, { name: 'c', forMs: 0 }, options);
    await newest.result();
    expect(await failureOf(oldest.result())).toMatchObject({ type: 'Run.Cancelled' });
    expect((await stack().client.show(older.id)).status).toBe('running');
    await stack().finish(older);
    await older.result();
  });
});

describe('a run with the id of one in progress', () => {
  it('takes no place of its own', async () => {
    const key = aKey();
    const id = `${key}/again`;
    const first = await stack().start(key, { name: 'a' }, { id });
    expect((await stack().start(key, { name: 'a' }, { id })).attached).toBe(true);
    const next = await stack().start(key, { name: 'b', forMs: 0 });
    await stack().queued(next, 1);
    await stack().finish(first);
    await next.result();
  });

  it.each([{ limit: 0 }, { limit: 1.5 }, { onLimit: 'wait' as 'queue' }])('is refused with %o', async (wrong) => {
    expect(await failureOf(stack().start(aKey(), { name: 'a' }, wrong))).toMatchObject({ type: 'Config.Invalid' });
  });
});
