import { describe, expect, it, vi } from 'vitest';
import { aCase, usePatternsStack } from './patternsStack.js';
import { notesOf } from './project/tools.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const value = (of: unknown): Spec => ({ do: 'value', value: of });
const forever: Spec = { do: 'sleep', ms: 3_600_000 };
const says = (label: string, confidence: unknown): Spec => value({ label, confidence });
const routing = (more: Partial<Extract<Spec, { do: 'route' }>>): Spec => ({
  do: 'route',
  input: { priority: 'low', text: 'hello', tags: ['vip'] },
  routes: { urgent: value('at once'), analysis: value('thoroughly') },
  fallback: value('by hand'),
  ...more,
});

describe('a route', () => {
  it('is taken by the first rule that is true, without asking the classifier', async () => {
    const rules = [
      { when: 'input.priority == "high"', to: 'urgent' },
      { when: '"vip" in input.tags', to: 'analysis' },
      { when: 'true', to: 'urgent' },
    ];
    const classify: Spec = { do: 'fail', message: 'asked' };
    expect(await stack().run(routing({ rules, classify }))).toEqual({
      route: 'analysis',
      by: 'rule',
      reason: 'rule: "vip" in input.tags',
      output: 'thoroughly',
    });
  });

  it('is taken by the classifier where no rule is true', async () => {
    const rules = [{ when: 'input.priority == "high"', to: 'urgent' }];
    expect(await stack().run(routing({ rules, classify: says('analysis', 0.5) }))).toEqual({
      route: 'analysis',
      by: 'classifier',
      reason: 'classifier: analysis',
      confidence: 0.5,
      output: 'thoroughly',
    });
  });

  it('is the fallback for a label that is no route, for too little confidence, and for none', async () => {
    const name = aCase();
    const fallback = { route: 'fallback', by: 'fallback', output: 'by hand' };
    expect(await stack().run(routing({ classify: says('spam', 1) }), name)).toMatchObject(fallback);
    const low = routing({ classify: says('urgent', 0.8), minConfidence: 0.9 });
    expect(await stack().run(low, name)).toMatchObject({ ...fallback, confidence: 0.8 });
    expect(await stack().run(routing({ classify: says('urgent', null), minConfidence: 0.1 }), name)).toMatchObject(
      fallback,
    );
    expect(await stack().run(routing({ classify: says('toString', 1) }), name)).toMatchObject(fallback);
    expect(await stack().run(routing({}), name)).toMatchObject({ ...fallback, reason: 'no rule is true of it' });
    expect(notesOf(name).slice(0, 2)).toEqual([
      'unclear: the classifier said "spam", which is no route',
      'unclear: the classifier said urgent with a confidence of 0.8, under 0.9',
    ]);
  });

  it('is the fallback when a rule cannot be evaluated, though a later rule is true', async () => {
    const rules = [
      { when: 'input.customer.plan == "enterprise"', to: 'urgent' },
      { when: 'true', to: 'analysis' },
    ];
    const result = await stack().run(routing({ rules }));
    expect(result).toMatchObject({ route: 'fallback', by: 'fallback' });
    expect((result as { reason: string }).reason).toMatch(
      /^the rule input\.customer\.plan .* cannot be evaluated: .*customer/,
    );
  });

  it('fails with its classifier, or falls back if told to', async () => {
    const classify: Spec = { do: 'fail', message: 'no model' };
    expect(await stack().failure(routing({ classify }))).toMatchObject({ type: 'Tool.Failed', message: 'no model' });
    expect(await stack().run(routing({ classify, onFailure: 'fallback' }))).toMatchObject({
      by: 'fallback',
      reason: 'the classifier failed: Tool.Failed: no model',
    });
  });

  it('fails with the route it took', async () => {
    const rules = [{ when: 'true', to: 'urgent' }];
    const routes = { urgent: { do: 'fail', message: 'no' } as const, analysis: value(1) };
    expect(await stack().failure(routing({ rules, routes }))).toMatchObject({ type: 'Tool.Failed', message: 'no' });
  });

  it('ends at its time limit, whatever it is at', async () => {
    const rules = [{ when: 'true', to: 'urgent' }];
    const name = aCase();
    const routes = { urgent: { do: 'watch', body: forever, text: 'urgent' } as const };
    expect(await stack().failure(routing({ rules, routes, timeout: 100 }), name)).toMatchObject({
      type: 'Step.DeadlineExceeded',
      details: { step: 'route#1' },
    });
    expect(notesOf(name)).toEqual(['urgent was cancelled']);
  });

  it('ends when the run is cancelled while it classifies', async () => {
    const { client, start } = stack();
    const name = aCase();
    const classify: Spec = { do: 'watch', body: forever, text: 'classifier' };
    const run = await start(
      routing({ classify: { do: 'parallel', branches: [{ do: 'note', text: 'began' }, classify] } }),
      name,
    );
    await vi.waitFor(() => expect(notesOf(name)).toEqual(['began']), { timeout: 20_000 });
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
    expect(notesOf(name)).toEqual(['began', 'classifier was cancelled']);
    expect((await client.show(run.id)).status).toBe('cancelled');
  });

  it('may lead to a person, or to another route', async () => {
    const { client, start } = stack();
    const run = await start(
      routing({
        classify: says('urgent', 0.1),
        fallback: routing({ classify: says('nothing', 1), fallback: { do: 'approval', name: 'route by hand' } }),
      }),
    );
    await vi.waitFor(async () => expect(await client.approvals({ run: run.id })).toHaveLength(1), { timeout: 20_000 });
    const [approval] = await client.approvals({ run: run.id });
    expect(approval?.path).toBe('route#1/fallback/route#1/fallback/approval/route by hand#1');
    await client.decide(run.id, { approved: true, by: 'Ada', value: 'urgent' });
    expect(await run.result()).toMatchObject({
      by: 'fallback',
      output: { by: 'fallback', output: { value: 'urgent' } },
    });
  });

  it('is not begun with rules that cannot be: all that is wrong is said at once', async () => {
    const failure = await stack().failure(
      routing({
        rules: [
          { when: 'input.a ==', to: 'urgent' },
          { when: 'ticket.a == 1', to: 'nowhere' },
          { when: '1 + 1', to: 'urgent' },
        ],
        minConfidence: 2,
        routes: { urgent: value(1), fallback: value(2) },
      }),
    );
    expect(failure.type).toBe('Pattern.InvalidSteps');
    const [, ...faults] = failure.message.split('\n');
    expect(faults).toEqual([
      '"fallback" is no name for a route',
      'minConfidence: 2 is not between 0 and 1',
      expect.stringMatching(/^rules\[0\]: /),
      'rules[1]: nowhere is no route; there are: urgent, fallback',
      expect.stringMatching(/^rules\[1\]: ticket is no variable/),
      expect.stringMatching(/^rules\[2\]: it gives .*bool is needed/),
    ]);
  });
});
