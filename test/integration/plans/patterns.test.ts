/** Patterns as actions of plans. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SegnoError } from '../../../core/errors.js';
import { json, scriptedModel, type ScriptedModel } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import * as agents from './project/agents.js';
import * as tools from './project/tools.js';
import { callsOf } from './project/tools.js';

let stack: TestStack;
let model: ScriptedModel;

beforeAll(async () => {
  model = await scriptedModel({
    writer: [json({ text: 'first' }), json({ text: 'second' })],
    critic: ['one', 'two', 'three'].map((word) => json({ acceptable: false, feedback: [word] })),
  });
  stack = await startTestStack({
    agents,
    tools,
    workflows: new URL('./project/workflow.ts', import.meta.url).href,
    model,
  });
}, 180_000);
afterAll(async () => {
  await stack.close();
  await model.close();
}, 180_000);

const ref = ($ref: string): object => ({ $ref });
const start = (action: object, input: unknown) =>
  stack.client.start<{ output: { it: unknown } }>('runPlan', {
    plan: { version: 1, name: 'patterns', steps: [{ id: 'it', ...action }] },
    input,
  });
const outputOf = async (action: object, input: unknown = {}): Promise<unknown> =>
  (await (await start(action, input)).result()).output.it;
const failure = async (action: object, input: unknown = {}): Promise<SegnoError> =>
  (await start(action, input)).result().then(
    (result) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(result)}`)),
    (error: unknown) => error as SegnoError,
  );
const value = (given: unknown): object => ({ value: given });
const upper = (name: string, text: unknown): object => ({ tool: 'upper', input: { case: name, text } });
const broken = (name: string): object => ({ tool: 'broken', input: { case: name } });
const slow = { sequence: [{ workflow: 'waitLong' }, value('slow')] };

describe('a plan routes', () => {
  const route = (classify: object, more: object = {}): object => ({
    route: {
      rules: [{ when: 'input.plan == "enterprise"', to: 'urgent' }],
      classify,
      minConfidence: 0.7,
      routes: { urgent: value('at once'), analysis: upper('route', ref('input.plan')) },
      fallback: value(ref('unclear')),
      ...more,
    },
  });
  const said = (label: string, confidence: number): object => route(value({ label, confidence }));

  it('by the first rule that is true, without asking the classifier', async () => {
    const name = randomUUID();
    expect(await outputOf(route(broken(name)), { plan: 'enterprise' })).toEqual({
      route: 'urgent',
      by: 'rule',
      reason: 'rule: input.plan == "enterprise"',
      output: 'at once',
    });
    expect(callsOf(name)).toEqual([]);
  });

  it('by the word of the classifier, when it is sure of a way there is, else to the fallback', async () => {
    const input = { plan: 'free' };
    expect(await outputOf(said('analysis', 0.8), input)).toMatchObject({
      route: 'analysis',
      by: 'classifier',
      confidence: 0.8,
      output: { text: 'FREE' },
    });
    expect(await outputOf(said('analysis', 0.6), input)).toMatchObject({
      route: 'fallback',
      output: { reason: expect.stringContaining('under 0.7') as string, label: 'analysis', confidence: 0.6 },
    });
    expect(await outputOf(said('elsewhere', 1), input)).toMatchObject({ route: 'fallback' });
    expect(await outputOf(said('analysis', 1), {})).toMatchObject({
      route: 'fallback',
      output: { label: null, reason: expect.stringContaining('cannot be evaluated') as string },
    });
  });

  it('not at all when its classifier fails or says something else, unless failures go to the fallback', async () => {
    const input = { plan: 'free' };
    expect(await failure(route(broken('x')), input)).toMatchObject({ type: 'Tool.Failed' });
    expect(await failure(route(value('urgent')), input)).toMatchObject({
      type: 'Plan.MissingValue',
      message: 'steps.it.route.classify gave no { label, confidence }',
    });
    const rescued = await outputOf(route(broken('x'), { onFailure: 'fallback' }), input);
    expect(rescued).toMatchObject({ route: 'fallback', by: 'fallback' });
  });

  it('each element of a map by rules that see it', async () => {
    const odd = {
      route: {
        rules: [{ when: 'item > 1.0', to: 'large' }],
        routes: { large: value(ref('index')) },
        fallback: value('small'),
      },
    };
    expect(await outputOf({ map: { over: [1, 2], do: odd } })).toMatchObject([{ output: 'small' }, { output: 1 }]);
  });
});

describe('a plan supervises', () => {
  it('a worker, whose drafts go back with feedback and then up, where the last word stands', async () => {
    const supervise = {
      work: { agent: 'writer', input: { topic: 'tea', feedback: ref('feedback') } },
      review: { agent: 'critic', input: ref('draft') },
      maxRounds: 2,
      escalate: {
        senior: value({ text: 'third' }),
        person: value({ draft: ref('draft'), error: ref('error'), first: ref('reviews.0.feedback') }),
      },
    };
    expect(await outputOf({ supervise })).toMatchObject({
      by: 'person',
      reviewed: false,
      rounds: 2,
      reviews: [{ feedback: ['one'] }, { feedback: ['two'] }, { feedback: ['three'] }],
      output: { draft: { text: 'third' }, error: null, first: ['one'] },
    });
  });

  it('and passes failures up only when it says so; a review that is none is told', async () => {
    const accept = value({ acceptable: true, feedback: [] });
    const supervise = { work: broken('x'), review: accept, escalate: { senior: value(ref('error.type')) } };
    expect(await outputOf({ supervise: { ...supervise, onFailure: 'escalate' } })).toMatchObject({
      by: 'senior',
      output: 'Tool.Failed',
    });
    expect(await failure({ supervise })).toMatchObject({ type: 'Tool.Failed' });
    expect(await failure({ supervise: { ...supervise, work: value(1), review: value('good') } })).toMatchObject({
      message: 'steps.it.supervise.review gave no { acceptable, feedback }',
    });
  });
});

describe('a plan repeats', () => {
  it('until a condition over the output is true, with the output before', async () => {
    const repeatUntil = {
      do: value({ round: ref('round'), before: { $ref: 'previous.round', default: null } }),
      until: 'output.round >= input.enough',
      maxRounds: 10,
      delay: 10,
    };
    expect(await outputOf({ repeatUntil }, { enough: 3 })).toEqual({
      output: { round: 3, before: 2 },
      met: true,
      rounds: 3,
      stopped: 'met',
    });
    expect(await outputOf({ repeatUntil: { ...repeatUntil, maxRounds: 2 } }, { enough: 3 })).toMatchObject({
      met: false,
      stopped: 'rounds',
    });
    expect(await failure({ repeatUntil })).toMatchObject({
      type: 'Plan.MissingValue',
      message: expect.stringContaining('steps.it.repeatUntil.until: No such key: enough') as string,
    });
  });
});

describe('a plan keeps the first answer', () => {
  it('of a race, by name or by number, and cancels the others', async () => {
    expect(await outputOf({ race: { slow, fast: value('fast') } })).toEqual({ winner: 'fast', output: 'fast' });
    expect(await outputOf({ race: [slow, broken('x'), value('fast')] })).toEqual({ winner: 2, output: 'fast' });
    expect(await failure({ race: [broken('x'), broken('x')] })).toMatchObject({ type: 'Tool.Failed' });
  });

  it('of a hedge', async () => {
    const name = randomUUID();
    const hedge = { do: upper(name, 'a'), after: '1m' };
    expect(await outputOf({ hedge })).toMatchObject({ output: { text: 'A' }, attempt: 1, started: 1 });
    const failed = { do: broken(name), after: '1m', attempts: 3 };
    expect(await failure({ hedge: failed })).toMatchObject({ type: 'Tool.Failed' });
    expect(callsOf(name)).toEqual(['upper a', 'broken', 'broken', 'broken']);
  });
});

describe('a plan limits what stands inside a step', () => {
  it('by the way that works', async () => {
    expect(await outputOf({ withFallback: { full: broken('x'), less: value(1) } })).toMatchObject({
      used: 'less',
      output: 1,
      errors: [{ type: 'Tool.Failed' }],
    });
    expect(await outputOf({ withFallback: [value(1)] })).toEqual({ used: 0, output: 1, errors: [] });
  });

  it('by time', async () => {
    const limited = { withTimeout: { do: slow, timeout: '1s' } };
    expect(await failure(limited)).toMatchObject({ type: 'Step.DeadlineExceeded' });
    expect(await outputOf({ withFallback: [limited, { withTimeout: { do: value(1), timeout: '1s' } }] })).toMatchObject(
      {
        used: 1,
      },
    );
  });
});

describe('a plan decides', () => {
  it('by a table over its input and its steps', async () => {
    const table = {
      rules: [
        { when: 'input.amount > 100', decide: 'board' },
        { when: 'input.vip', decide: 'pay' },
      ],
      otherwise: 'check',
    };
    expect(await outputOf({ decide: { table } }, { amount: 200 })).toMatchObject({
      decision: 'board',
      explanation: { method: 'table', decidedBy: 0 },
    });
    expect(await outputOf({ decide: { table } }, { amount: 2, vip: false })).toMatchObject({ decision: 'check' });
    expect(await failure({ decide: { table } }, { amount: 2 })).toMatchObject({
      type: 'Decision.Impossible',
      message: expect.stringMatching(/^decide\.at steps\.it\.decide\.table: rules\[1\] \(input\.vip\): /),
    });
  });

  it('between alternatives whose values come from steps', async () => {
    const criteria = { price: { weight: 2, goal: 'min' }, quality: { weight: 1 } };
    const alternatives = { alder: ref('input.alder'), birch: { price: ref('input.birch'), quality: 5 } };
    const input = { alder: { price: 10, quality: 9 }, birch: 20 };
    for (const method of ['topsis', 'weightedSum']) {
      expect(await outputOf({ decide: { [method]: { criteria, alternatives } } }, input)).toMatchObject({
        decision: 'alder',
        explanation: { method, ranking: [{ name: 'alder' }, { name: 'birch' }] },
      });
    }
  });

  it('by the votes of actions', async () => {
    const name = randomUUID();
    const ensemble = {
      voters: { one: value({ vote: ref('input') }), two: value({ vote: 'no' }), three: broken(name), four: slow },
      options: ['yes', 'no'],
      quorum: 2,
      timeout: '300ms',
    };
    expect(await outputOf({ decide: { ensemble } }, 'no')).toMatchObject({
      decision: 'no',
      explanation: { missing: { three: { type: 'Tool.Failed' }, four: {} } },
    });
    expect(await outputOf({ decide: { ensemble } }, 'yes')).toMatchObject({ decision: null });
  });
});

describe('a plan of many actions that wait for nothing', () => {
  it('runs in many workflow tasks, and can be cancelled in the middle', async () => {
    const counting = { repeatUntil: { do: value(ref('round')), until: 'output >= 100', maxRounds: 100 } };
    const many = { map: { over: Array.from({ length: 30 }, (_, n) => n), do: counting } };
    const outputs = (await outputOf(many)) as { rounds: number }[];
    expect(outputs.map(({ rounds }) => rounds)).toEqual(Array.from({ length: 30 }, () => 100));
    const run = await start(many, {});
    await run.cancel();
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.Cancelled' });
  });
});

describe('a plan waits', () => {
  it('for an event about what an input names, and gives its data', async () => {
    const run = await start(
      { waitForEvent: { name: 'paid', key: ref('input.order'), timeout: '1m' } },
      { order: 'o1' },
    );
    await stack.client.sendEvent(run.id, 'paid', { key: 'other', data: { amount: 1 } });
    await stack.client.sendEvent(run.id, 'paid', { key: 'o1', data: { amount: 2 } });
    expect((await run.result()).output.it).toEqual({ amount: 2 });
    const unpaid = { waitForEvent: { name: 'paid', timeout: '50ms' } };
    expect(await failure(unpaid)).toMatchObject({ type: 'Event.Expired' });
    const nameless = { waitForEvent: { name: 'paid', key: ref('input.order') } };
    expect(await failure(nameless, { order: 7 })).toMatchObject({ type: 'Pattern.InvalidSteps' });
  });

  it('until a moment', async () => {
    const atMs = Date.now() + 300;
    expect(await outputOf({ sleepUntil: ref('input.at') }, { at: new Date(atMs).toISOString() })).toBe(null);
    expect(Date.now()).toBeGreaterThanOrEqual(atMs);
    expect(await failure({ sleepUntil: ref('input.at') }, { at: 'soon' })).toMatchObject({
      type: 'Pattern.InvalidSteps',
      message: expect.stringContaining('soon is no moment'),
    });
  });
});

describe('a plan has peers', () => {
  const peer = (description: string, reply: object): object => ({ description, turn: value(reply) });

  it('who hand a task on until one answers, with what it adds', async () => {
    const peers = {
      triage: peer('sorts', { handTo: 'billing', text: ref('turn.task') }),
      billing: peer('pays', { handTo: null, text: ref('turn.said.0.text'), refundUsd: 5 }),
    };
    const handoff = { task: { order: ref('input.order') }, start: 'triage', peers };
    expect(await outputOf({ handoff }, { order: 'o1' })).toMatchObject({
      stopped: 'answered',
      by: 'billing',
      answer: { text: '{"order":"o1"}', refundUsd: 5 },
    });
    const mute = { ...peers, triage: peer('sorts', { text: 'and?' }) };
    expect(await failure({ handoff: { ...handoff, peers: mute } }, { order: 'o1' })).toMatchObject({
      type: 'Plan.MissingValue',
      message: 'steps.it.handoff.peers.triage.turn gave no { handTo, text }',
    });
  });

  it('who write to each other until all are done', async () => {
    const mesh = {
      goal: 'An article.',
      start: ['reporter'],
      peers: {
        reporter: peer('writes', { messages: [{ to: 'editor', text: 'Here.' }], waitsFor: [], done: true, words: 9 }),
        editor: peer('decides', { messages: [], waitsFor: [], done: true, heard: ref('turn.inbox.0.text') }),
      },
    };
    expect(await outputOf({ mesh })).toMatchObject({
      stopped: 'consensus',
      rounds: 2,
      replies: { reporter: { words: 9 }, editor: { heard: 'Here.' } },
      messages: [{ from: 'reporter', to: 'editor', text: 'Here.' }],
    });
  });

  it('who argue before a judge, and are left out when they fail if it says so', async () => {
    const side = (position: string, speak: object): object => ({ position, speak });
    const debate = {
      question: ref('input'),
      sides: {
        yes: side('Buy.', value({ text: ref('turn.position'), concedes: false })),
        no: side('Wait.', broken('debate')),
      },
      judge: value({ heard: ref('debate.said.0.text'), question: ref('debate.question') }),
      rounds: 1,
    };
    expect(await failure({ debate }, 'Shall we?')).toMatchObject({ type: 'Tool.Failed' });
    expect(await outputOf({ debate: { ...debate, onFailure: 'continue' } }, 'Shall we?')).toMatchObject({
      verdict: { heard: 'Buy.', question: 'Shall we?' },
      missed: [{ by: 'no', error: { type: 'Tool.Failed' } }],
    });
  });
});
