import { describe, expect, it, vi } from 'vitest';
import { aCase, usePatternsStack } from './patternsStack.js';
import { notesOf } from './project/tools.js';
import type { SequenceStep, Spec } from './project/spec.js';

const stack = usePatternsStack();
const value = (of: unknown): Spec => ({ do: 'value', value: of });
const failing: Spec = { do: 'fail', message: 'no' };
const forever: Spec = { do: 'sleep', ms: 3_600_000 };
const step = (name: string, body: Spec = value(name), more: Partial<SequenceStep> = {}): SequenceStep => ({
  name,
  body,
  ...more,
});
const undo = { fails: 0 };

describe('a sequence', () => {
  it('hands each step the output of the one before it', async () => {
    const name = aCase();
    const steps = [step('one', value('PREVIOUS')), step('two', value('PREVIOUS')), step('three', value('PREVIOUS'))];
    expect(await stack().run({ do: 'sequential', steps }, name)).toBe('input');
    expect(notesOf(name)).toEqual(['one', 'two', 'three']);
  });

  it('says of every step what became of it, and how long the whole took', async () => {
    const steps = [step('one'), step('two')];
    const result = await stack().run({ do: 'sequential', steps, settle: true, onSuccess: value('told') });
    expect(result).toMatchObject({
      status: 'completed',
      output: 'two',
      steps: {
        one: { status: 'completed', output: 'one', attempts: 1 },
        two: { status: 'completed', output: 'two' },
        onSuccess: { status: 'completed', output: 'told' },
      },
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      durationMs: expect.any(Number) as number,
      usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
    });
  });

  it('stops at a failed step, takes back what came before it in reverse, and throws that failure', async () => {
    const name = aCase();
    const steps = [
      step('book', value(1), { undo }),
      step('look'),
      step('pay', value(2), { undo }),
      step('ship', failing, { undo }),
      step('never'),
    ];
    const failure = await stack().failure({ do: 'sequential', steps, onError: { do: 'note', text: 'handled' } }, name);
    expect(failure).toMatchObject({ type: 'Tool.Failed', message: 'no' });
    expect(notesOf(name)).toEqual(['book', 'look', 'pay', 'ship', 'undo pay 2', 'undo book 1', 'handled']);
  });

  it('tries a compensation again, and reports one that fails for good without leaving out the others', async () => {
    const name = aCase();
    const steps = [
      step('first', value(1), { undo }),
      step('second', value(2), { undo: { fails: 9 } }),
      step('third', value(3), { undo: { fails: 2 } }),
      step('bad', failing),
    ];
    const result = await stack().run({ do: 'sequential', steps, settle: true }, name);
    expect(result).toMatchObject({
      status: 'failed',
      failedStep: 'bad',
      error: { type: 'Tool.Failed', message: 'no' },
      compensations: {
        third: { status: 'completed', attempts: 3 },
        second: { status: 'failed', attempts: 3, error: { message: 'cannot undo second' } },
        first: { status: 'completed', attempts: 1 },
      },
    });
    expect(notesOf(name).filter((note) => note.startsWith('undo second'))).toHaveLength(3);
  });

  it('takes back what was done when the run is cancelled', async () => {
    const { client } = stack();
    const name = aCase();
    const run = await stack().start(
      { do: 'sequential', steps: [step('book', value(1), { undo }), step('wait', forever)] },
      name,
    );
    await vi.waitFor(() => expect(notesOf(name)).toEqual(['book', 'wait']), { timeout: 10_000 });
    await client.get(run.id).then((found) => found.cancel());
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(name)).toEqual(['book', 'wait', 'undo book 1']);
  });

  it('takes back once, also when the run is cancelled while it handles a failure', async () => {
    const name = aCase();
    const steps = [step('book', value(1), { undo: { fails: 0, inChild: true } }), step('bad', failing)];
    const onError: Spec = { do: 'parallel', branches: [{ do: 'note', text: 'handling' }, forever] };
    const run = await stack().start({ do: 'sequential', steps, onError }, name);
    await vi.waitFor(() => expect(notesOf(name)).toContain('handling'), { timeout: 10_000 });
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(name)).toEqual(['book', 'bad', 'undo book 1', 'handling']);
  });

  it('says in the failure it throws what could not be taken back', async () => {
    const steps = [step('book', value(1), { undo: { fails: 9 } }), step('bad', failing)];
    expect(await stack().failure({ do: 'sequential', steps })).toMatchObject({
      type: 'Tool.Failed',
      message: 'no\nbook was not taken back: Tool.Failed: cannot undo book',
    });
  });

  it('does not hide that its success branch has failed, and takes nothing back for it', async () => {
    const name = aCase();
    const spec: Spec = { do: 'sequential', steps: [step('book', value(1), { undo })], onSuccess: failing };
    expect(await stack().failure(spec, name)).toMatchObject({ type: 'Tool.Failed', message: 'no' });
    expect(await stack().run({ ...spec, settle: true }, name)).toMatchObject({
      status: 'partial',
      output: 1,
      failedStep: 'onSuccess',
      error: { type: 'Tool.Failed' },
    });
    expect(notesOf(name)).toEqual(['book', 'book']);
  });

  it('ends at its deadline, and takes back', async () => {
    const name = aCase();
    const steps = [step('book', value(1), { undo }), step('wait', forever)];
    const failure = await stack().failure({ do: 'sequential', steps, timeout: 300 }, name);
    expect(failure.type).toBe('Step.DeadlineExceeded');
    expect(notesOf(name)).toEqual(['book', 'wait', 'undo book 1']);
  });

  it('finds every fault of its steps before anything runs', async () => {
    const name = aCase();
    const steps = [
      step('one', value(1), { needs: ['two', 'ghost', 'one'] }),
      step('two'),
      step('two'),
      step('choice', value(1), { among: ['nowhere'] }),
      step('end'),
    ];
    const failure = await stack().failure({ do: 'sequential', steps }, name);
    expect(failure.type).toBe('Pattern.InvalidSteps');
    for (const fault of [
      'one needs ghost, which is no step',
      'one needs two, which does not come before it',
      'one needs one, which does not come before it',
      'two steps are named two',
      'choice may choose nowhere, which is no step',
      '"end" is no name for a step',
    ]) {
      expect(failure.message).toContain(fault);
    }
    expect(notesOf(name)).toEqual([]);
    expect((await stack().failure({ do: 'sequential', steps: [] })).message).toContain('there are no steps');
  });
});

describe('a decision point', () => {
  it('goes on with the step that was chosen, back and forth', async () => {
    const name = aCase();
    const steps = [
      step('draft', value('draft')),
      step('judge', value(0), { choose: ['draft', 'publish'], among: ['draft', 'publish', 'end'] }),
      step('unused'),
      step('publish', value('PREVIOUS')),
    ];
    expect(await stack().run({ do: 'sequential', steps }, name)).toBe('draft');
    expect(notesOf(name)).toEqual(['draft', 'draft', 'publish']);
  });

  it('may end the sequence', async () => {
    const name = aCase();
    const steps = [step('one'), step('judge', value(0), { choose: ['end'], among: ['end'] }), step('two')];
    expect(await stack().run({ do: 'sequential', steps }, name)).toBe('one');
    expect(notesOf(name)).toEqual(['one']);
  });

  it('cannot go round for ever, nor go where it may not', async () => {
    const rounds = Array.from({ length: 99 }, () => 'one');
    const round = [step('one'), step('judge', value(0), { choose: rounds, among: ['one'] })];
    expect(await stack().failure({ do: 'sequential', steps: round, maxSteps: 7 })).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message: expect.stringContaining('still not at its end after 7 steps') as string,
    });
    const name = aCase();
    const astray = [
      step('one', value(1), { undo }),
      step('judge', value(0), { choose: ['two'], among: ['one'] }),
      step('two'),
    ];
    expect(await stack().failure({ do: 'sequential', steps: astray }, name)).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message: expect.stringContaining('judge chose two') as string,
    });
    expect(notesOf(name)).toEqual(['one', 'undo one 1']);
  });
});
