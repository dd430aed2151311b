import { describe, expect, it } from 'vitest';
import type { PlanDraft } from '../../../core/index.js';
import type { SegnoError } from '../../../core/errors.js';
import { aCase, usePatternsStack } from './patternsStack.js';
import type { PlannedInput, PlannedOutput } from './project/plannedWorkflow.js';
import { notesOf } from './project/tools.js';

const stack = usePatternsStack();
type Step = PlanDraft['steps'][number];

const step = (id: string, text: string, more: Partial<Step> = {}): Step => ({
  id,
  agent: null,
  tool: 'note',
  input: JSON.stringify({ case: { $ref: 'input.case' }, text }),
  after: [],
  ...more,
});
const failing = (id: string): Step => step(id, '', { tool: 'refuse', input: '{}' });
const of = (...steps: Step[]): PlanDraft => ({ steps });

const start = (input: PlannedInput) => stack().client.start<PlannedOutput>('planned', input);
const run = async (input: PlannedInput): Promise<PlannedOutput> => (await start(input)).result();
const failure = async (input: PlannedInput): Promise<SegnoError> =>
  (await start(input)).result().then(
    () => Promise.reject(new Error('expected a failure')),
    (error: unknown) => error as SegnoError,
  );

describe('planAndRun', () => {
  it('runs what the planner wrote, in its order, and hands all outputs to the synthesis', async () => {
    const name = aCase();
    const echo = step('echo', '', {
      input: '{"case": {"$ref": "input.case"}, "text": {"$ref": "steps.look"}}',
    });
    const result = await run({ case: name, drafts: [of(echo, step('look', 'seen'))] });
    expect(notesOf(name)).toEqual(['seen', 'seen']);
    expect(result).toMatchObject({
      status: 'completed',
      output: { goal: 'find out', outputs: { look: 'seen', echo: 'seen' }, failed: [] },
      plans: 1,
      steps: { look: { status: 'completed' }, echo: { status: 'completed' } },
    });
    expect(result.log.map(({ event, step }) => [event, step])).toEqual([
      ['planned', undefined],
      ['completed', 'echo'],
      ['completed', 'look'],
      ['synthesized', undefined],
    ]);
  });

  it('tells the planner the catalogue of what it may use', async () => {
    const { asked } = await run({ case: aCase(), drafts: [of(step('look', 'seen'))] });
    expect(asked[0]!.catalogue).toContain('tool note\nNotes a text and gives it back.\ninput: {');
    expect(asked[0]!.catalogue).not.toContain('tool nap');
  });

  it('sends a faulty draft back with all its faults, and runs nothing of it', async () => {
    const name = aCase();
    const faulty = of(
      step('a', 'a', { after: ['b'] }),
      step('b', 'b', { after: ['a'] }),
      step('c', 'c', { tool: 'nap' }),
      step('d', 'd', { input: '{"case": {"$ref": "steps.nobody"}, "text": 1}' }),
    );
    const { asked, log } = await run({
      case: name,
      drafts: [of(step('a', 'a', { input: '{' })), faulty, of(step('fine', 'fine'))],
    });
    expect(asked[1]!.faults).toEqual(['steps[0].input: it is no JSON']);
    expect(asked[2]!.faults.join('\n')).toMatch(/cycle|after each other|b.*a/u);
    expect(asked[2]!.faults).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^steps\[2\]\.tool: .*nap/u),
        expect.stringMatching(/^steps\[3\]\.input/u),
      ]),
    );
    expect(log.map(({ event }) => event)).toEqual(['refused', 'refused', 'planned', 'completed', 'synthesized']);
    expect(notesOf(name)).toEqual(['fine']);
  });

  it('fails when no draft is a plan', async () => {
    const drafts = [of(step('a', 'a', { tool: 'rm' }))];
    expect(await failure({ case: aCase(), drafts, options: { maxDrafts: 2 } })).toMatchObject({
      type: 'Plan.Invalid',
      message: expect.stringContaining('steps[0].tool') as string,
    });
  });

  it('refuses a plan of too many steps, and one whose cost nobody knows', async () => {
    const drafts = [of(step('a', 'a'), step('b', 'b'))];
    expect((await failure({ case: aCase(), drafts, options: { maxSteps: 1 } })).message).toContain(
      'at most 1 are allowed',
    );
    const { log } = await run({ case: aCase(), drafts, options: { maxCostUsd: 1 } });
    expect(log[0]!.detail).toBe('2 steps, at most 0 model calls, at most 0.0000 USD');
  });

  it('plans anew after a failed step, and keeps what is finished', async () => {
    const name = aCase();
    const first = of(step('look', 'seen'), failing('ask'), step('tell', 'told', { after: ['ask'] }));
    const second = of(step('guess', 'guessed', { after: ['look'] }));
    const { asked, output, plans, plan, log, status } = await run({ case: name, drafts: [first, second] });
    expect(notesOf(name)).toEqual(['seen', 'guessed']);
    expect(asked[1]).toMatchObject({
      finished: [{ id: 'look', output: '"seen"' }],
      failed: [
        { id: 'ask', error: expect.stringContaining('Tool.Failed') as string },
        { id: 'tell', error: expect.stringContaining('Step.Skipped') as string },
      ],
    });
    expect(output.outputs).toEqual({ look: 'seen', guess: 'guessed' });
    expect([status, plans]).toEqual(['completed', 2]);
    expect(plan.steps.map(({ id }) => id)).toEqual(['look', 'guess']);
    expect(log.map(({ event }) => event)).toEqual([
      'planned',
      'completed',
      'failed',
      'skipped',
      'planned',
      'completed',
      'synthesized',
    ]);
  });

  it('does not let a new plan change a finished step', async () => {
    const first = of(step('look', 'seen'), failing('ask'));
    const { asked } = await run({ case: aCase(), drafts: [first, of(step('look', 'again')), of(step('guess', 'g'))] });
    expect(asked[2]!.faults).toEqual([expect.stringMatching(/^steps\[0\]\.id: look is finished/u)]);
  });

  it('fails with the failed step when no plan is left, or synthesizes what there is', async () => {
    const drafts = [of(step('look', 'seen'), failing('ask')), of(failing('askAgain'))];
    const options = { maxReplans: 1 };
    expect(await failure({ case: aCase(), drafts, options })).toMatchObject({ type: 'Tool.Failed' });
    const result = await run({ case: aCase(), drafts, options: { ...options, onFailure: 'continue' } });
    expect(result).toMatchObject({ status: 'partial', plans: 2 });
    expect(result.output).toMatchObject({ outputs: { look: 'seen' }, failed: [{ id: 'askAgain' }] });
  });

  it('keeps what there is when no draft of a new plan is one', async () => {
    const drafts = [of(step('look', 'seen'), failing('ask')), of(step('a', 'a', { tool: 'rm' }))];
    const lost = await failure({ case: aCase(), drafts });
    expect(lost).toMatchObject({ type: 'Tool.Failed' });
    expect(lost.message).toMatch(/^no\n.*no draft of a new plan was a plan:\nsteps\[1\]\.tool: .*rm/u);
    const result = await run({ case: aCase(), drafts, options: { onFailure: 'continue' } });
    expect(result).toMatchObject({ status: 'partial', plans: 1, output: { outputs: { look: 'seen' } } });
  });

  it('runs nothing before a person has approved, and asks again for a new plan', async () => {
    const name = aCase();
    const drafts = [of(failing('ask')), of(step('guess', 'guessed'))];
    await run({ case: name, drafts, approvals: [true, true] });
    expect(notesOf(name)).toEqual(['approve ask', 'approve guess', 'guessed']);
    const refused = aCase();
    const rejection = await failure({ case: refused, drafts, approvals: [false] });
    expect(rejection).toMatchObject({ type: 'Approval.Rejected' });
    expect(notesOf(refused)).toEqual(['approve ask']);
  });

  it('names an agent that does not exist before the planner is asked', async () => {
    const wrong = await failure({ case: aCase(), drafts: [of()], options: { agents: ['nobody'] } });
    expect(wrong).toMatchObject({ type: 'Agent.Unknown' });
  });

  it('has a time limit', async () => {
    const naps = Array.from({ length: 8 }, (_, index) =>
      step(`nap${index}`, '', { tool: 'nap', input: '{"ms": 400}', after: index === 0 ? [] : [`nap${index - 1}`] }),
    );
    const late = await failure({ case: aCase(), drafts: [of(...naps)], options: { tools: ['nap'], timeout: 200 } });
    expect(late).toMatchObject({ type: 'Step.DeadlineExceeded' });
  });
});
