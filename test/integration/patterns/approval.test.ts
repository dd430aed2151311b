import { describe, expect, it, vi } from 'vitest';
import { type Run, SegnoClient, type SegnoError, type WaitingApproval } from '../../../client/index.js';
import { openLine } from './breakableLine.js';
import { decideUpdateName } from '../../../core/approval.js';
import { aCase, usePatternsStack } from './patternsStack.js';
import { notesOf } from './project/tools.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const ask = (name: string, options?: Record<string, unknown>): Spec => ({
  do: 'approval',
  name,
  ...(options && { options }),
});
const soon = { timeout: 20_000, interval: 50 };

/** Wait until the run waits for so many. */
async function waiting({ id }: Run, count = 1): Promise<WaitingApproval[]> {
  return vi.waitFor(async () => {
    const found = await stack().client.approvals({ run: id });
    expect(found).toHaveLength(count);
    return found;
  }, soon);
}

function failureOf(promise: Promise<unknown>): Promise<SegnoError> {
  return promise.then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (error: unknown) => error as SegnoError,
  );
}

async function eventsOf({ id }: Run, attributes: string): Promise<unknown[]> {
  const { events } = await stack().client.temporal.workflow.getHandle(id).fetchHistory();
  return (events ?? []).filter((event) => event.attributes === attributes);
}

const decisionsOf = (run: Run): Promise<unknown[]> => eventsOf(run, 'workflowExecutionUpdateAcceptedEventAttributes');

describe('an approval', () => {
  it('waits, shows what is asked, and gives the decision with who made it', async () => {
    const { client, start } = stack();
    const run = await start(ask('publish', { title: 'Publish it?', detail: { pages: 3 } }));
    const [approval] = await waiting(run);
    expect(approval).toMatchObject({
      run: run.id,
      workflowId: run.id,
      name: 'publish',
      path: 'approval/publish#1',
      title: 'Publish it?',
      detail: { pages: 3 },
    });
    expect(Date.parse(approval!.until) - Date.parse(approval!.since)).toBe(7 * 24 * 3_600_000);
    expect((await client.show(run.id, { underWay: true })).approvals).toEqual([approval]);
    const decision = await client.decide(run.id, { approved: true, by: 'Ada', comment: 'fine', value: { pages: 2 } });
    expect(decision).toMatchObject({ approved: true, by: 'Ada', comment: 'fine', value: { pages: 2 } });
    expect(await run.result()).toEqual(decision);
    expect(await client.approvals({ run: run.id })).toEqual([]);
  });

  it('gives a rejection as an answer, not as a failure', async () => {
    const { client, start } = stack();
    const run = await start(ask('publish'));
    await waiting(run);
    await client.decide(run.id, { approved: false, by: 'Ada' });
    expect(await run.result()).toMatchObject({ approved: false, by: 'Ada' });
  });

  it('takes one of its choices and nothing else, and waits on after what it does not take', async () => {
    const { client, start } = stack();
    const run = await start(ask('tone', { choices: ['kind', 'firm'] }));
    await waiting(run);
    const refused = [
      client.decide(run.id, { approved: true, by: 'Ada' }),
      client.decide(run.id, { approved: true, by: 'Ada', value: 'rude' }),
      client.decide(run.id, { approved: true, by: ' ', value: 'kind' }),
      // Past the client's own check: the workflow decides.
      client.temporal.workflow
        .getHandle(run.id)
        .executeUpdate(decideUpdateName, { args: [{ approval: 'tone', approved: true, by: 'Ada', value: 'rude' }] })
        .catch((error: Error) => Promise.reject(error.cause as Error)),
    ];
    const refusals = await Promise.all(refused.map(failureOf));
    expect(refusals.map(({ type }) => type)).toEqual(refused.map(() => 'Approval.InvalidDecision'));
    expect(await decisionsOf(run)).toEqual([]);
    await client.decide(run.id, { approved: true, by: 'Ada', value: 'firm' });
    expect(await run.result()).toMatchObject({ approved: true, value: 'firm' });
  });

  it('counts the same decision once, however often it is given, and refuses another one after it', async () => {
    const { client, start } = stack();
    const run = await start({ do: 'parallel', branches: [ask('first'), ask('last')] });
    await waiting(run, 2);
    const yes = { name: 'first', approved: true, by: 'Ada', value: [1, { a: null }] };
    const [one, two] = await Promise.all([client.decide(run.id, yes), client.decide(run.id, yes)]);
    expect(two).toEqual(one);
    expect(await client.decide(run.id, yes)).toEqual(one);
    expect(await decisionsOf(run)).toHaveLength(1);
    for (const other of [
      { ...yes, by: 'Bob' },
      { ...yes, approved: false },
    ]) {
      const failure = await failureOf(client.decide(run.id, other));
      expect(failure).toMatchObject({ type: 'Approval.AlreadyDecided' });
      expect(failure.message).toMatch(/approved by Ada at/);
    }
    await client.decide(run.id, { name: 'last', approved: true, by: 'Ada' });
    expect(await run.result()).toMatchObject([one, { approved: true }]);
    expect(await failureOf(client.decide(run.id, yes))).toMatchObject({ type: 'Approval.Unknown' });
  });

  it('lets one of two who decide at the same moment win, and tells the other', async () => {
    const { client, start } = stack();
    const run = await start(ask('publish'));
    await waiting(run);
    const ends = await Promise.allSettled([
      client.decide(run.id, { name: 'publish', approved: true, by: 'Ada' }),
      client.decide(run.id, { name: 'publish', approved: false, by: 'Bob' }),
    ]);
    const won = ends.find((end) => end.status === 'fulfilled')!;
    const lost = ends.find((end) => end.status === 'rejected')!;
    // The run may have ended by the time the second one comes.
    expect(['Approval.AlreadyDecided', 'Approval.Unknown']).toContain((lost.reason as SegnoError).type);
    expect(await run.result()).toEqual(won.value);
  });

  it('expires at its deadline, with a failure or with what was said for that case', async () => {
    const { start, failure } = stack();
    const expired = await failure(ask('publish', { timeout: 100 }));
    expect(expired).toMatchObject({ type: 'Approval.Expired', details: { step: 'approval/publish#1' } });
    const onExpiry = { approved: false, comment: 'nobody was there' };
    const run = await start(ask('publish', { timeout: 100, onExpiry }));
    expect(await run.result()).toMatchObject({ ...onExpiry, by: 'deadline', expired: true });
  });

  it('tells who comes too late that it has expired', async () => {
    const { client, start } = stack();
    const run = await start({
      do: 'parallel',
      branches: [ask('late', { timeout: 100, onExpiry: { approved: false } }), ask('other')],
    });
    await vi.waitFor(async () => {
      expect((await client.approvals({ run: run.id })).map(({ name }) => name)).toEqual(['other']);
    }, soon);
    const failure = await failureOf(client.decide(run.id, { name: 'late', approved: true, by: 'Ada' }));
    expect(failure).toMatchObject({ type: 'Approval.Expired' });
    await run.cancel();
  });

  it('is either decided or expired when both come at once, the same for the run and for who decided', async () => {
    const { client, start } = stack();
    const lateMs = [0, 100, 200, 300, 400];
    const ends = await Promise.all(
      lateMs.map(async (ms) => {
        const run = await start(ask('publish', { timeout: 1_500, onExpiry: { approved: false } }));
        const [approval] = await waiting(run);
        const atMs = Date.parse(approval!.until) - 100 + ms;
        await vi.waitFor(() => expect(Date.now()).toBeGreaterThanOrEqual(atMs), { timeout: 5_000, interval: 5 });
        const told = await client
          .decide(run.id, { name: 'publish', approved: true, by: 'Ada' })
          .catch((error: unknown) => error);
        return { told, result: await run.result() };
      }),
    );
    for (const { told, result } of ends) {
      if ((result as { expired?: true }).expired)
        expect(told).toMatchObject({ type: expect.stringMatching(/^Approval\./) as string });
      else expect(told).toEqual(result);
    }
  });

  it('ends with the run’s cancellation, and is no longer there to be decided', async () => {
    const { client, start } = stack();
    const name = aCase();
    const run = await start({ do: 'watch', text: 'approval', body: ask('publish') }, name);
    await waiting(run);
    await run.cancel();
    expect(await failureOf(run.result())).toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(name)).toEqual(['approval was cancelled']);
    expect(await client.approvals({ run: run.id })).toEqual([]);
    expect(await failureOf(client.decide(run.id, { approved: true, by: 'Ada' }))).toMatchObject({
      type: 'Approval.Unknown',
    });
  });

  it('that a pattern no longer needs ends, and says so', async () => {
    const { client, start } = stack();
    const race: Spec = { do: 'race', branches: { asked: ask('asked'), fast: { do: 'sleep', ms: 300 } } };
    const run = await start({
      do: 'sequential',
      steps: [
        { name: 'race', body: race },
        { name: 'next', body: ask('next') },
      ],
    });
    await vi.waitFor(async () => {
      expect((await client.approvals({ run: run.id })).map(({ name }) => name)).toEqual(['next']);
    }, soon);
    const failure = await failureOf(client.decide(run.id, { name: 'asked', approved: true, by: 'Ada' }));
    expect(failure).toMatchObject({ type: 'Approval.Unknown' });
    await client.decide(run.id, { approved: true, by: 'Ada' });
    expect(await run.result()).toMatchObject({ approved: true });
  });

  it('is refused before it waits when nobody could decide it', async () => {
    const bad = await stack().failure(
      ask('a/b', { title: 'x'.repeat(301), detail: 'x'.repeat(64_001), choices: ['a', 'a'], timeout: 0 }),
    );
    expect(bad.type).toBe('Pattern.InvalidSteps');
    for (const fault of ['a name has', 'title:', 'detail:', 'choices:', 'timeout:'])
      expect(bad.message).toContain(fault);
    const choice = await stack().failure(
      ask('tone', { choices: ['kind'], onExpiry: { approved: true, value: 'rude' } }),
    );
    expect(choice.message).toContain('onExpiry: value: "rude"');
    const many = await stack().failure({ do: 'parallel', branches: Array.from({ length: 101 }, () => ask('again')) });
    expect(many).toMatchObject({ type: 'Pattern.InvalidSteps' });
  });

  it('shows a detail that is too large for a history', async () => {
    const { client, start } = stack();
    const detail = 'words '.repeat(8_000);
    const run = await start(ask('read', { detail }));
    const [approval] = await waiting(run);
    expect(approval?.detail).toBe(detail);
    await client.decide(run.id, { approved: true, by: 'Ada', value: detail });
    expect(await run.result()).toMatchObject({ value: detail });
    const { historySize } = await client.temporal.workflow.getHandle(run.id).describe();
    expect(historySize).toBeLessThan(10_000);
  });
});

describe('several approvals', () => {
  it('wait at once, at any depth, and are told apart by name or path', async () => {
    const { client, start } = stack();
    const run = await start({
      do: 'parallel',
      branches: {
        legal: ask('publish'),
        press: { do: 'timeout', timeout: '1h', body: ask('publish') },
        money: ask('pay'),
      },
    });
    const found = await waiting(run, 3);
    expect(found.map(({ path }) => path).sort()).toEqual([
      'parallel#1/legal/approval/publish#1',
      'parallel#1/money/approval/pay#1',
      'parallel#1/press/withTimeout#1/approval/publish#1',
    ]);
    for (const name of [undefined, 'publish', 'other']) {
      const failure = await failureOf(client.decide(run.id, { ...(name && { name }), approved: true, by: 'Ada' }));
      expect(failure).toMatchObject({ type: 'Approval.Unknown' });
      expect(failure.message).toContain('parallel#1/legal/approval/publish#1');
    }
    await client.decide(run.id, { name: 'pay', approved: true, by: 'Ada' });
    await client.decide(run.id, {
      name: found.find(({ path }) => path.includes('legal'))!.path,
      approved: true,
      by: 'Bob',
    });
    await waiting(run, 1);
    await client.decide(run.id, { name: 'publish', approved: false, by: 'Eve' });
    expect(await run.result()).toMatchObject({ legal: { by: 'Bob' }, press: { by: 'Eve' }, money: { by: 'Ada' } });
  });

  it('are found in child workflows, and decided under the run', async () => {
    const { client, start } = stack();
    const child: Spec = { do: 'child', spec: { do: 'parallel', branches: { inner: ask('publish') } } };
    const run = await start({ do: 'parallel', branches: { a: child, b: { do: 'child', spec: child } } });
    const found = await waiting(run, 2);
    expect(new Set(found.map(({ run: id, path }) => `${id} ${path}`))).toEqual(
      new Set([`${run.id} parallel#1/inner/approval/publish#1`]),
    );
    expect(found.map(({ workflowId }) => workflowId)).not.toContain(run.id);
    const { approvals, patterns } = await client.show(run.id, { underWay: true });
    expect(approvals).toEqual(found);
    expect(patterns?.map(({ workflowId }) => workflowId).sort()).toEqual(
      [run.id, ...found.map(({ workflowId }) => workflowId)].sort(),
    );
    const [one] = found;
    await client.decide(run.id, { name: `${one!.workflowId}/${one!.path}`, approved: true, by: 'Ada' });
    await waiting(run, 1);
    await client.decide(run.id, { approved: true, by: 'Bob' });
    const { a, b } = (await run.result()) as Record<'a' | 'b', { inner: { by: string } }>;
    expect([a.inner.by, b.inner.by].sort()).toEqual(['Ada', 'Bob']);
  });

  it('of all running runs are listed', async () => {
    const { client, start } = stack();
    const runs = [await start(ask('one')), await start({ do: 'child', spec: ask('two') })];
    await vi.waitFor(async () => {
      const found = await client.approvals();
      expect(found.filter(({ run }) => runs.some(({ id }) => id === run)).map(({ name }) => name)).toEqual([
        'one',
        'two',
      ]);
    }, soon);
    for (const run of runs) await run.cancel();
  });
});

describe('a decision', () => {
  it('made while no worker runs is taken by the next one, once, though the connection breaks meanwhile', async () => {
    const { client, start, startWorker, stopWorker, temporalAddress, ledger } = stack();
    const run = await start(ask('publish', { title: 'Publish it?' }));
    await waiting(run);
    await stopWorker();
    expect(await client.approvals({ run: run.id })).toMatchObject([{ title: 'Publish it?' }]);
    const yes = { approved: true, by: 'Ada' };
    const undelivered = client.decide(run.id, { ...yes, timeoutMs: 500 });
    expect(await failureOf(undelivered)).toMatchObject({ type: 'Approval.Undelivered' });
    const unknown = client.decide(run.id, { ...yes, name: 'other', timeoutMs: 500 });
    expect(await failureOf(unknown)).toMatchObject({ type: 'Approval.Unknown' });

    const line = await openLine(temporalAddress);
    const other = await SegnoClient.connect({ temporal: { address: line.address }, ledger });
    let noWorker = 0;
    const deciding = other.decide(run.id, { ...yes, onNoWorker: () => (noWorker += 1) });
    await vi.waitFor(() => expect(noWorker).toBe(1), soon);
    await line.cut();
    await startWorker();
    await vi.waitFor(async () => expect((await client.show(run.id)).status).toBe('completed'), soon);
    await line.mend();
    expect(await deciding).toEqual(await run.result());
    expect(await decisionsOf(run)).toHaveLength(1);
    await line.cut();
    await other.close();
  });

  it('on a run that there is not, or that waits for nothing, says so', async () => {
    const { client, start } = stack();
    const decision = { approved: true, by: 'Ada' };
    expect(await failureOf(client.decide('no-such-run', decision))).toMatchObject({ type: 'Run.Unknown' });
    const run = await start({ do: 'sleep', ms: 3_600_000 });
    expect(await failureOf(client.decide(run.id, decision))).toMatchObject({ type: 'Approval.Unknown' });
    expect(await failureOf(client.decide(run.id, { ...decision, name: 'publish' }))).toMatchObject({
      type: 'Approval.Unknown',
    });
    await run.cancel();
    await failureOf(run.result());
    expect(await failureOf(client.decide(run.id, decision))).toMatchObject({ type: 'Approval.Unknown' });
  });
});
