/** Runs of a key whose holders, workers and clients go away without a word. */
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { leavePlace, takePlace } from '../../../ledger/places/places.js';
import { aKey, failureOf, mostAtOnce, useConcurrencyStack } from './concurrencyStack.js';

const stack = useConcurrencyStack({ worker: false });
const tenant = 'default';

it('the place of a run that was terminated or timed out goes to the next, and one that waited is passed over', async () => {
  const key = aKey();
  const worker = await stack().startProcess();
  const holder = await stack().start(key, { name: 'a' });
  const dead = await stack().start(key, { name: 'b' });
  const late = await stack().start(key, { name: 'c' }, { timeoutMs: 15_000 });
  const last = await stack().start(key, { name: 'd', forMs: 0 });
  await stack().noted(key, 'in a');
  const { workflow } = stack().client.temporal;
  await workflow.getHandle(dead.id).terminate();
  await workflow.getHandle(holder.id).terminate();
  await stack().noted(key, 'in c');
  expect(await failureOf(late.result())).toMatchObject({ type: 'Run.TimedOut' });
  await last.result();
  expect(stack().notes(key)).toEqual(['in a', 'in c', 'in d', 'out d']);
  await worker.stop();
});

it('runs go on in order when the worker is killed, again and again', async () => {
  const key = aKey();
  const runs = [];
  for (let n = 0; n < 12; n += 1) runs.push(await stack().start(key, { name: `${n}`, forMs: 300 }, { limit: 2 }));
  const results = Promise.all(runs.map((run) => run.result()));
  let worker = await stack().startProcess();
  for (const at of ['in 1', 'in 6']) {
    await stack().noted(key, at);
    await worker.kill();
    worker = await stack().startProcess();
  }
  expect(await results).toHaveLength(12);
  const notes = [...new Set(stack().notes(key))];
  expect(mostAtOnce(notes)).toBeLessThanOrEqual(2);
  // A killed one that holds a place says `in` late; whom it lets in is one place behind all who have left.
  for (const [index, line] of notes.entries()) {
    if (!line.startsWith('in ')) continue;
    const left = notes.slice(0, index).filter((before) => before.startsWith('out ')).length;
    expect(left, line).toBeGreaterThanOrEqual(Number(line.slice(3)) - 1);
  }
  await worker.stop();
}, 240_000);

it('a run that was reset keeps its place', async () => {
  const key = aKey();
  const worker = await stack().startProcess();
  const holder = await stack().start(key, { name: 'a' });
  await stack().noted(key, 'in a');
  const next = await stack().start(key, { name: 'b', forMs: 0 });
  await stack().queued(next, 1);
  const { temporal } = stack().client;
  const { events = [] } = await temporal.workflow.getHandle(holder.id).fetchHistory();
  const completed = events?.filter(({ workflowTaskCompletedEventAttributes: task }) => task).at(-1);
  await temporal.workflowService.resetWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId: holder.id, runId: holder.runId },
    workflowTaskFinishEventId: completed!.eventId!,
    requestId: randomUUID(),
    reason: 'test',
  });
  // Longer than it takes to find an abandoned place: another key's is found meanwhile.
  const other = aKey();
  const gone = await stack().start(other, { name: 'gone' });
  await stack().noted(other, 'in gone');
  const after = await stack().start(other, { name: 'after', forMs: 0 });
  await temporal.workflow.getHandle(gone.id).terminate();
  await after.result();
  await stack().queued(next, 1);
  await stack().finish(await stack().client.get(holder.id));
  await next.result();
  await worker.stop();
});

it('a place whose client died before it started the run, and one nobody was told of, are given on', async () => {
  const key = aKey();
  const { ledger } = stack();
  const worker = await stack().startProcess();
  const place = { id: randomUUID(), key, limit: 1, onLimit: 'queue' } as const;
  await takePlace(ledger, place, { tenant, workflowId: `never-${place.id}` }, 'client');
  const next = await stack().start(key, { name: 'a' });
  const last = await stack().start(key, { name: 'b', forMs: 0 });
  await stack().queued(next, 1);
  await ledger.query(`update segno.places set created_at = created_at - interval '2 minutes' where id = $1`, [
    place.id,
  ]);
  await stack().noted(key, 'in a');
  // As an activity does that dies before it tells the next.
  const { rows } = await ledger.query<{ id: string }>(
    `select id from segno.places where key = $1 and state = 'holding'`,
    [key],
  );
  await leavePlace(ledger, { tenant, key }, rows[0]!.id);
  await last.result();
  await stack().finish(next);
  await next.result();
  await worker.stop();
});
