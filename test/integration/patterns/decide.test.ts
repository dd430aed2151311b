import { describe, expect, it, vi } from 'vitest';
import { aCase, usePatternsStack } from './patternsStack.js';
import { notesOf } from './project/tools.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const votes = (vote: unknown, more: object = {}): Spec => ({ do: 'value', value: { vote, ...more } });
const failing: Spec = { do: 'fail', message: 'no model' };
const forever: Spec = { do: 'sleep', ms: 3_600_000 };
const asking = (voters: Record<string, Spec>, more: object = {}): Spec => ({
  do: 'ensemble',
  options: ['yes', 'no'],
  voters,
  ...more,
});

describe('an ensemble', () => {
  it('decides by its voters, and says who has said what', async () => {
    const voters = { ada: votes('yes', { reason: 'cheap' }), bo: votes('no'), cy: votes('yes', { confidence: 0.9 }) };
    expect(await stack().run(asking(voters))).toEqual({
      decision: 'yes',
      explanation: {
        method: 'ensemble',
        rule: 'majority',
        text: 'yes (majority): yes 2, no 1',
        tally: { yes: 2, no: 1 },
        votes: {
          ada: { vote: 'yes', reason: 'cheap', weight: 1 },
          bo: { vote: 'no', weight: 1 },
          cy: { vote: 'yes', confidence: 0.9, weight: 1 },
        },
        tied: [],
        missing: {},
      },
    });
  });

  it('fails with its first voter that does, and cancels the others', async () => {
    const name = aCase();
    const slow: Spec = { do: 'watch', body: forever, text: 'slow' };
    expect(await stack().failure(asking({ slow, failing }), name)).toMatchObject({
      type: 'Tool.Failed',
      message: 'no model',
    });
    expect(notesOf(name)).toEqual(['slow was cancelled']);
  });

  it('decides with a quorum of votes, and names who is missing: failed, late, or with a vote that is none', async () => {
    const voters = { ada: votes('no'), bo: votes('no'), failing, slow: forever, odd: votes('maybe') };
    const result = await stack().run(asking(voters, { quorum: 2, timeout: 300 }));
    expect(result).toMatchObject({
      decision: 'no',
      explanation: {
        tally: { yes: 0, no: 2 },
        missing: {
          failing: { type: 'Tool.Failed', message: 'no model' },
          slow: { type: 'Step.DeadlineExceeded' },
          odd: { type: 'Decision.InvalidVote', message: 'odd: vote: maybe is none of yes, no' },
        },
      },
    });
  });

  it('fails under its quorum, without waiting for who can no longer help', async () => {
    const voters = { ada: votes('no'), failing, also: failing, slow: forever };
    expect(await stack().failure(asking(voters, { quorum: 3 }))).toMatchObject({ type: 'Pattern.TooFew' });
  });

  it('fails at its time limit when all votes have to come', async () => {
    expect(await stack().failure(asking({ ada: votes('no'), slow: forever }, { timeout: 100 }))).toMatchObject({
      type: 'Step.DeadlineExceeded',
    });
  });

  it('shows who is still asked, and ends when the run is cancelled', async () => {
    const { client, start } = stack();
    const name = aCase();
    const run = await start(asking({ ada: votes('yes'), slow: { do: 'watch', body: forever, text: 'slow' } }), name);
    await vi.waitFor(
      async () =>
        expect((await client.show(run.id, { underWay: true })).patterns).toMatchObject([
          { path: 'ensemble#1/parallel#1', counts: { completed: 1, running: 1 } },
        ]),
      { timeout: 20_000 },
    );
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(name)).toEqual(['slow was cancelled']);
  });

  it('may have ensembles as voters, and people', async () => {
    const { client, start } = stack();
    const inner = (vote: string): Spec => ({
      do: 'parallel',
      branches: { vote: { do: 'value', value: vote }, person: { do: 'approval', name: vote } },
    });
    const run = await start(asking({ one: inner('yes'), other: inner('yes') }, { rule: 'unanimous' }));
    await vi.waitFor(async () => expect(await client.approvals({ run: run.id })).toHaveLength(2), { timeout: 20_000 });
    for (const { path } of await client.approvals({ run: run.id }))
      await client.decide(run.id, { name: path, approved: true, by: 'Ada' });
    expect(await run.result()).toMatchObject({ decision: 'yes', explanation: { rule: 'unanimous' } });
  });

  it('asks nobody when it cannot be: all that is wrong is said at once', async () => {
    const wrong = { options: ['yes'], rule: 'weighted', weights: { eve: 2 }, quorum: 3 };
    expect(await stack().failure(asking({ ada: { do: 'bug' } }, wrong))).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message:
        'ensemble: options: name two or more, each once; weights.eve: there is no voter of that name; ' +
        'quorum: 3 is not between 1 and the 1 voters',
    });
  });
});

describe('decisions without voters', () => {
  it('are made in the workflow, leave nothing in its history, and fail as outcomes do', async () => {
    const run = await stack().client.start('decideAll', { amount: 150 });
    expect(await run.result()).toMatchObject({
      table: { decision: 'board', explanation: { decidedBy: 0 } },
      tree: { decision: 'read', explanation: { answers: [{ answer: true }] } },
      match: { decision: 'one paper', explanation: { bound: { only: 'bill' } } },
      weightedSum: { decision: 'repair', explanation: { ranking: [{ name: 'repair' }, { name: 'replace' }] } },
      topsis: { decision: 'repair', explanation: { tied: [] } },
      failures: ['Decision.Impossible', 'Decision.Impossible', 'Pattern.InvalidSteps'],
    });
  });
});
