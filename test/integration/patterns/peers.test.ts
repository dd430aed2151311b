/** Peers and tiers: they end with an answer, or with a reason within their bounds. */
import { describe, expect, it } from 'vitest';
import type { SegnoError } from '../../../core/errors.js';
import type { Debated, HandedOff, Meshed } from '../../../workflows/index.js';
import { usePatternsStack } from './patternsStack.js';
import type { Governed, Talk } from './project/peersWorkflow.js';
import { full } from '../../chaos/inFull.js';

const stack = usePatternsStack();

interface Told {
  name: string;
  turn: { said?: unknown[]; inbox?: unknown[]; peers?: { name: string }[]; faults?: string[]; thread?: unknown[] };
}

async function talk<Result>(input: Talk): Promise<{ result: Result; told: Told[] }> {
  return (await stack().client.start('talk', input)).result() as Promise<{ result: Result; told: Told[] }>;
}

async function failureOf(input: Talk): Promise<SegnoError> {
  return talk(input).then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (reason: unknown) => reason as SegnoError,
  );
}

describe('a handoff', () => {
  const hand = (script: Talk['script'], options?: object) =>
    talk<HandedOff<never>>({ pattern: 'handoff', script, ...(options && { options }) });

  it('ends with the answer of whoever gives one, who knows all that was said', async () => {
    const { result, told } = await hand({
      triage: [{ handTo: 'billing', text: 'an invoice' }],
      billing: [{ text: 'paid twice' }],
      tech: [{ text: 'never asked' }],
    });
    expect(result).toMatchObject({ stopped: 'answered', by: 'billing', answer: { text: 'paid twice' } });
    expect(told.map(({ name }) => name)).toEqual(['triage', 'billing']);
    expect(told[1]!.turn).toMatchObject({
      said: [{ by: 'triage', text: 'an invoice' }],
      peers: [{ name: 'triage', description: 'is triage' }, { name: 'tech' }],
    });
  });

  it('stops two who hand it to each other, and many who hand it on', async () => {
    const pair = { a: [{ handTo: 'b' }], b: [{ handTo: 'a' }], c: [] };
    expect((await hand(pair)).result).toMatchObject({ stopped: 'pingPong', said: { length: 6 } });
    const ring = { a: [{ handTo: 'b' }], b: [{ handTo: 'c' }], c: [{ handTo: 'a' }] };
    expect((await hand(ring, { maxTurns: 7 })).result).toMatchObject({ stopped: 'turns', said: { length: 7 } });
  });

  it('tells a peer what was wrong with its reply, and fails with one that does not learn', async () => {
    const { result, told } = await hand({ a: [{ handTo: 'nobody' }, { text: ' ' }, { handTo: 'b' }], b: [{}] });
    expect(result).toMatchObject({ stopped: 'answered', by: 'b' });
    expect(told[2]!.turn.faults).toEqual(['handTo: nobody is not here; there are: b', 'text is empty']);
    expect(await failureOf({ pattern: 'handoff', script: { a: [{ text: '' }], b: [] } })).toMatchObject({
      type: 'Peer.InvalidReply',
    });
  });

  it('fails with a peer, or goes back to who had it before', async () => {
    const script = { a: [{ handTo: 'b' }, { text: 'then I do it' }], b: [{ fails: 'Tool.Failed' }], c: [] };
    expect(await failureOf({ pattern: 'handoff', script })).toMatchObject({ type: 'Tool.Failed' });
    const { result, told } = await hand(script, { onFailure: 'continue' });
    expect(result).toMatchObject({ stopped: 'answered', by: 'a', error: { type: 'Tool.Failed' } });
    expect(told.at(-1)!.turn.peers?.map(({ name }) => name)).toEqual(['c']);
    const broke = { a: [{ handTo: 'b' }], b: [{ fails: 'Budget.Exceeded' }] };
    expect((await hand(broke, { onFailure: 'continue' })).result).toMatchObject({
      ...{ stopped: 'budget', said: [{ by: 'a' }], error: { type: 'Budget.Exceeded' } },
    });
    const alone = { a: [{ fails: 'Tool.Failed' }] };
    expect((await hand(alone, { onFailure: 'continue' })).result).toMatchObject({ stopped: 'failed' });
  });

  it('keeps what was said at its deadline', async () => {
    const script = { a: [{ handTo: 'b' }], b: [{ sleepMs: 60_000 }] };
    const { result } = await hand(script, { timeout: 300 });
    expect(result).toMatchObject({ stopped: 'deadline', said: [{ by: 'a', handTo: 'b' }] });
  });

  it('refuses what does not fit before anything runs', async () => {
    const options = { start: 'x', maxTurns: 0 };
    expect(await failureOf({ pattern: 'handoff', script: { all: [] }, options })).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message:
        'handoff: peers: "all" is no name for a peer; start: x is no peer; there are: all; maxTurns: 0 is not between 1 and 100',
    });
  });
});

describe('a mesh', () => {
  const meet = (script: Talk['script'], options?: object) =>
    talk<Meshed<never>>({ pattern: 'mesh', script, ...(options && { options }) });
  const to = (name: string, text = 'text') => ({ messages: [{ to: name, text }] });

  it('delivers mail between rounds, and ends when all are done', async () => {
    const { result, told } = await meet({
      editor: [to('all', 'who writes?'), { done: true }],
      reporter: [{ done: false }, { ...to('editor', 'I do'), done: true }],
      proof: [{ done: true }],
    });
    expect(result).toMatchObject({ stopped: 'consensus', rounds: 3 });
    const second = told.filter(({ name }) => name === 'reporter')[1]!;
    expect(second.turn).toMatchObject({ inbox: [{ from: 'editor', text: 'who writes?' }], thread: [] });
    const last = told.at(-1)!;
    expect(last).toMatchObject({ name: 'editor', turn: { inbox: [{ from: 'reporter', text: 'I do' }] } });
    expect(last.turn.thread).toHaveLength(2);
  });

  it('ends when nobody writes, and says who waits for whom', async () => {
    expect((await meet({ a: [{}], b: [{}] })).result).toMatchObject({ stopped: 'quiet', rounds: 1 });
    const script = { a: [{ waitsFor: ['b'] }], b: [{ waitsFor: ['c', 'a'] }], c: [{ done: true }] };
    expect((await meet(script)).result).toMatchObject({ stopped: 'deadlock', waiting: ['a', 'b'] });
  });

  it('ends when two only write to each other, and after its rounds', async () => {
    const script = { a: [to('b')], b: [to('a')], c: [{}] };
    expect((await meet(script)).result).toMatchObject({ stopped: 'pingPong', rounds: 6 });
    const two = { a: [to('b')], b: [to('a')] };
    expect((await meet(two, { maxRounds: 8 })).result).toMatchObject({ stopped: 'rounds', rounds: 8 });
  });

  it('delivers no flood, and tells who sends it', async () => {
    const flood = { messages: Array.from({ length: 1_000 }, () => ({ to: 'all', text: 'x'.repeat(50) })) };
    const { result, told } = await meet({ a: [flood], b: [{}, to('a')] }, { maxRounds: 3, maxMessages: 4 });
    expect(result.messages).toHaveLength(9);
    expect(told.at(-1)).toMatchObject({
      name: 'a',
      turn: { faults: ['996 messages were not delivered: at most 4 in a turn'] },
    });
  });

  it('fails with a peer, or goes on without it', async () => {
    const script = { a: [to('b'), { done: true }], b: [{ fails: 'Tool.Failed' }], c: [to('a'), { done: true }] };
    expect(await failureOf({ pattern: 'mesh', script })).toMatchObject({ type: 'Tool.Failed' });
    const { result } = await meet(script, { onFailure: 'continue' });
    expect(result).toMatchObject({ failed: { b: { type: 'Tool.Failed' } }, rounds: 2 });
    const broke = { a: [{ fails: 'Budget.Exceeded' }], b: [to('a')] };
    expect((await meet(broke, { onFailure: 'continue' })).result).toMatchObject({ stopped: 'budget' });
    const none = { a: [{ fails: 'Tool.Failed' }], b: [{ fails: 'Tool.Failed' }] };
    expect((await meet(none, { onFailure: 'continue' })).result).toMatchObject({ stopped: 'failed' });
  });

  it('keeps what was said at its deadline, and cancels the turn under way', async () => {
    const script = { a: [to('b'), {}], b: [to('a'), { sleepMs: 60_000 }] };
    const { result } = await meet(script, { timeout: 300 });
    expect(result).toMatchObject({ stopped: 'deadline', rounds: 2, messages: { length: 2 } });
  });
});

describe('a debate', () => {
  const argue = (script: Talk['script'], options?: object) =>
    talk<Debated<string>>({ pattern: 'debate', script, ...(options && { options }) });

  it('lets all sides speak at once, round by round, and a judge who has heard them', async () => {
    const { result, told } = await argue({ pro: [{}], contra: [{}] });
    expect(result).toMatchObject({ verdict: 'pro1 contra1 pro2 contra2', stopped: 'rounds', rounds: 2 });
    expect(told.map(({ turn }) => turn.said?.length)).toEqual([0, 0, 2, 2]);
  });

  it('ends when nobody is left to argue with', async () => {
    const { result } = await argue({ pro: [{ concedes: true }], contra: [{}] }, { rounds: 5 });
    expect(result).toMatchObject({ stopped: 'conceded', rounds: 1, conceded: ['pro'] });
  });

  it('fails with a side, or hears the others', async () => {
    const script = { pro: [{}], contra: [{ fails: 'Tool.Failed' }] };
    expect(await failureOf({ pattern: 'debate', script })).toMatchObject({ type: 'Tool.Failed' });
    const { result } = await argue(script, { onFailure: 'continue' });
    expect(result).toMatchObject({ verdict: 'pro1 pro2', missed: [{ by: 'contra', round: 1 }, { round: 2 }] });
    const silent = { pro: [{ fails: 'Tool.Failed' }], contra: [{ fails: 'Tool.Failed' }] };
    expect(await failureOf({ pattern: 'debate', script: silent, options: { onFailure: 'continue' } })).toMatchObject({
      type: 'Pattern.TooFew',
    });
  });

  it('judges what was said in time', async () => {
    const late = { pro: [{}, { sleepMs: 60_000 }], contra: [{}] };
    expect((await argue(late, { timeout: 300 })).result).toMatchObject({
      ...{ stopped: 'deadline', verdict: 'pro1 contra1 contra2' },
    });
    const never = { pro: [{ sleepMs: 60_000 }], contra: [{ sleepMs: 60_000 }] };
    expect(await failureOf({ pattern: 'debate', script: never, options: { timeout: 200 } })).toMatchObject({
      type: 'Step.DeadlineExceeded',
    });
  });
});

describe('a hierarchy', () => {
  it('carries out what is within a mandate, and asks the top, then a person, for the rest', async () => {
    const value = { do: 'value', value: 1 } as const;
    const result = await stack().run({
      ...{ do: 'hierarchy', posts: [value, value, value], costs: [5, 50, 500] },
      person: { do: 'note', text: 'asked' },
    });
    expect(result).toMatchObject({ escalations: 3, report: expect.stringContaining('peer0: 1') });
    const { decisions } = result as { decisions: { proposedBy: string; decidedBy: string; output: string }[] };
    const byPost = Object.fromEntries(decisions.map((one) => [one.proposedBy, one]));
    expect(byPost).toMatchObject({
      'top/peer0': { decidedBy: 'top/peer0', output: 'top/peer0 spends 5' },
      'top/peer1': { decidedBy: 'top', output: 'top spends 50' },
      'top/peer2': { decidedBy: 'person', output: 'person spends 500' },
    });
  });

  it('fails with a post, or reports it', async () => {
    const failing = { do: 'fail', message: 'no' } as const;
    const spec = { do: 'hierarchy', posts: [failing], costs: [1], person: { do: 'value', value: 1 } } as const;
    expect(await stack().failure({ ...spec, posts: [failing], costs: [1] })).toMatchObject({ message: 'no' });
    expect(await stack().run({ ...spec, posts: [failing], costs: [1], onFailure: 'continue' })).toMatchObject({
      report: expect.stringContaining('failed: Tool.Failed: no'),
      decisions: [],
    });
  });

  it('decides nothing below that is above its mandate, in random trees', async () => {
    const seeds = Array.from({ length: full ? 100 : 6 }, (_, seed) => seed + 1);
    const runs: unknown[] = [];
    const waiting = seeds.values();
    const some = async (): Promise<void> => {
      for (const seed of waiting)
        runs.push(await (await stack().client.start('governTrees', { seed, count: 10 })).result());
    };
    await Promise.all([some(), some(), some()]);
    const total = { decisions: 0, refused: 0, escalations: 0, byPerson: 0 };
    for (const run of runs as Governed[]) {
      expect(run.violations).toEqual([]);
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += run[name];
    }
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(20);
  }, 900_000);
});
