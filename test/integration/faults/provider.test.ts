/**
 * Everything a provider does wrong, and tools that throw around their effects: afterwards every run has ended as what struck it says,
 * no effect that may happen once happened twice, no budget was overshot, and the books are what the model server counted.
 * SEGNO_SEED=<n> repeats what is struck.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ErrorType, errorKinds, type SegnoError } from '../../../core/errors.js';
import { type CallRule, createChaos, type ScriptedModel, type TestChaos } from '../../../testing/index.js';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import { type AttemptRecord, readRun, type StepRecord } from '../../chaos/readRun.js';
import { orderModel } from './orderModel.js';
import * as agents from './project/agents.js';
import { effects } from './project/effects.js';
import * as tools from './project/tools.js';
import type { order } from './project/workflow.js';
import { full } from '../../chaos/inFull.js';

const startTimeoutMs = 180_000;
const own = `p${randomUUID().slice(0, 8)}`;
const count = full ? 400 : 30;
const callTimeoutMs = 4_000;

/** What an attempt that was struck is recorded with: `done`, or the type of its failure. */
const outcomes: Readonly<Record<string, 'done' | ErrorType>> = {
  '400': 'Model.BadRequest',
  '401': 'Model.Unauthorized',
  '408': 'Model.Timeout',
  '429': 'Model.RateLimited',
  '500': 'Model.ServerError',
  '503': 'Model.ServerError',
  quota: 'Model.QuotaExceeded',
  'context-length': 'Model.TooLarge',
  stall: 'Model.Timeout',
  slow: 'done',
  cut: 'Model.StreamBroken',
  reset: 'Model.Unreachable',
  malformed: 'Model.BadResponse',
  // The model is told what is wrong with its answer, and gives another.
  'malformed-content': 'done',
  'invalid-output': 'done',
  refusal: 'Model.Refused',
  length: 'Model.LengthLimit',
  content_filter: 'Model.ContentFiltered',
  'wrong-usage': 'done',
};

const rules: readonly CallRule[] = [
  // A storm at the start, then weather.
  { at: 'provider', fault: { kind: '429', retryAfterSeconds: 0.3 }, limit: 12 },
  { at: 'provider', fault: { kind: '429', retryAfterSeconds: 0.1 }, share: 0.04 },
  { at: 'provider', fault: '500', share: 0.04 },
  { at: 'provider', fault: { kind: '503', retryAfterSeconds: 0.2 }, share: 0.03 },
  { at: 'provider', fault: '408', share: 0.02 },
  { at: 'provider', fault: 'stall', share: 0.015 },
  { at: 'provider', fault: { kind: 'stall', headers: false }, share: 0.01 },
  // These answers have five frames: the first word is in the second, and what ends them in the third.
  { at: 'provider', fault: { kind: 'cut', afterFrames: 2 }, share: 0.05 },
  { at: 'provider', fault: { kind: 'cut', afterFrames: 2, how: 'end' }, share: 0.03 },
  { at: 'provider', fault: 'reset', share: 0.03 },
  { at: 'provider', fault: 'malformed', share: 0.03 },
  { at: 'provider', fault: { kind: 'slow', delayMs: 60 }, share: 0.05 },
  { at: 'provider', fault: 'wrong-usage', share: 0.04 },
  { at: 'provider', fault: { kind: 'wrong-usage', says: 'less' }, share: 0.04 },
  { at: 'provider', fault: { kind: 'wrong-usage', says: 'nothing' }, share: 0.04 },
  { at: 'provider', fault: 'malformed-content', share: 0.03 },
  { at: 'provider', fault: 'invalid-output', share: 0.03 },
  ...(['400', '401', 'quota', 'context-length', 'refusal', 'length', 'content_filter'] as const).map(
    (fault): CallRule => ({ at: 'provider', fault, share: 0.008 }),
  ),
  { at: 'tool', fault: 'before', tool: 'book', share: 0.15 },
  { at: 'tool', fault: 'after', tool: 'book', share: 0.15 },
  { at: 'tool', fault: 'before', tool: 'mail', share: 0.08 },
  { at: 'tool', fault: 'after', tool: 'mail', share: 0.08 },
];

interface EndedRun {
  readonly runId: string;
  readonly error: SegnoError | undefined;
  readonly steps: readonly StepRecord[];
}

describe('a provider and tools that do everything wrong', () => {
  let chaos: TestChaos;
  let model: ScriptedModel;
  let stack: TestStack;
  let runs: readonly EndedRun[];
  let overshot = 0;

  beforeAll(async () => {
    chaos = createChaos(rules);
    model = await orderModel(chaos);
    stack = await startTestStack({
      agents,
      tools,
      workflows: new URL('./project/workflow.ts', import.meta.url).href,
      models: {
        default: {
          ...{ provider: own, model: 'm', maxOutputTokens: 200, timeoutMs: callTimeoutMs },
          price: { input: 1, output: 10 },
        },
      },
      providers: { [own]: {} },
      // Enough for most of the calls, upper bounds of lost ones included.
      budgets: { faults: { calls: Math.round(count * 1.7), per: 'month' } },
      model,
      chaos,
    });
    const watching = new AbortController();
    const watcher = watchBudgets(watching.signal);
    runs = await Promise.all(Array.from({ length: count }, (_, index) => runOne(index)));
    watching.abort();
    await watcher;
  }, startTimeoutMs);
  afterAll(async () => {
    await stack?.close();
    await model?.close();
  }, startTimeoutMs);

  /** Every fifth run has a budget that its retries may use up. */
  async function runOne(index: number): Promise<EndedRun> {
    const input = { item: `item ${index}` };
    const run = await stack.client.start<typeof order>('order', input, { budget: { calls: index % 5 === 0 ? 3 : 30 } });
    const error = await run.result().then(
      () => undefined,
      (reason: unknown) => reason as SegnoError,
    );
    return { runId: run.runId, error, steps: await readRun(stack.ledger, run.runId) };
  }

  async function watchBudgets(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { rows } = await stack.ledger.query(
        `select key from segno.budgets where calls_spent + calls_held > calls_limit + calls_raised and created_at > $1`,
        [new Date(Date.now() - 3_600_000)],
      );
      overshot += rows.length;
      await delay(20);
    }
  }

  /** The fault that struck an attempt, by `key#epoch`. Every request was a call of every rule, so numbers are the same. */
  function faultsByAttempt(): Map<string, string> {
    const struck = chaos.strikes.filter(({ at }) => at === 'provider');
    return new Map(struck.map(({ call, fault }) => [keyOf(model.requests[call! - 1]!.headers), fault]));
  }

  const keyOf = (headers: Readonly<Record<string, string>>): string => headers['x-client-request-id'] ?? '';
  const attempts = (): { id: string; step: StepRecord; attempt: AttemptRecord }[] =>
    runs.flatMap(({ steps }) =>
      steps
        .filter(({ kind }) => kind === 'model')
        .flatMap((step) => step.attempts.map((attempt) => ({ id: `${step.key}#${attempt.epoch}`, step, attempt }))),
    );

  it('records every attempt as what struck it', () => {
    const faults = faultsByAttempt();
    const wrong = attempts().filter(({ id, attempt }) => {
      const fault = faults.get(id);
      return outcomeOf(attempt) !== (fault === undefined ? 'done' : outcomes[fault]);
    });
    expect(wrong.map(({ id, attempt }) => `${faults.get(id)} of ${id}: ${outcomeOf(attempt)}`)).toEqual([]);
    expect(new Set(faults.values()).size, 'kinds of faults that struck').toBeGreaterThanOrEqual(8);
  });

  it('ends every run: completed, or failed with the type of the failure that was final', () => {
    const ends = new Map<string, number>();
    for (const { runId, error, steps } of runs) {
      const type = error?.type ?? 'completed';
      ends.set(type, (ends.get(type) ?? 0) + 1);
      const finals = steps.flatMap(({ attempts: all }) => {
        const last = all.at(-1)?.errorType as ErrorType | undefined;
        return last === undefined ? [] : [last];
      });
      if (type === 'completed') expect(finals, runId).toEqual([]);
      else if (type !== 'Budget.Exceeded') {
        // An agent whose answers never fit has none that failed.
        if (type !== 'Model.InvalidOutput') expect(finals, runId).toContain(type);
        expect(type === 'Tool.Failed' || !errorKinds[type as ErrorType].retryable, `${type} is final`).toBe(true);
      }
    }
    console.log(JSON.stringify(Object.fromEntries(ends)));
    expect(ends.get('completed'), 'runs that completed').toBeGreaterThan(count / 6);
    expect(ends.get('Budget.Exceeded'), 'runs whose budget was used up').toBeGreaterThan(0);
  });

  it('lets effects happen once', () => {
    for (const { runId, error } of runs) {
      const of = (tool: string): string[] =>
        effects.filter((one) => one.tool === tool && one.key.startsWith(`${runId}/`)).map(({ key }) => key);
      expect(new Set(of('book')).size, 'idempotency keys of one booking').toBeLessThanOrEqual(1);
      expect(of('mail').length, 'mails').toBeLessThanOrEqual(1);
      if (!error) expect([new Set(of('book')).size, of('mail').length]).toEqual([1, 1]);
    }
    const booked = effects.filter(({ tool }) => tool === 'book').length;
    const struckAfter = chaos.strikes.filter(({ of, fault }) => of === 'book' && fault === 'after').length;
    const keys = new Set(effects.filter(({ tool }) => tool === 'book').map(({ key }) => key)).size;
    // One that threw after its effect for the last time it may be tried has no attempt more.
    expect(booked - keys, 'bookings made again').toBeLessThanOrEqual(struckAfter);
  });

  it('overshoots no budget', () => {
    expect(overshot).toBe(0);
  });

  it('has in its books what the model server counted, and the upper bound of what it could not learn', () => {
    const { byKey, promptTokens, completionTokens } = model.stats();
    const faults = faultsByAttempt();
    const toldWrong = new Map(
      chaos.strikes.flatMap(({ call, rule }) => {
        const index = Number(rule.split('-')[1]) - 1;
        const { fault } = rules[index]!;
        if (typeof fault === 'string' ? fault !== 'wrong-usage' : fault.kind !== 'wrong-usage') return [];
        const says = typeof fault === 'object' && 'says' in fault ? fault.says : 'more';
        return [[keyOf(model.requests[call! - 1]!.headers), says] as const];
      }),
    );
    let [booked, beyond, below] = [0, 0, 0];
    for (const { id, attempt } of attempts()) {
      const served = { input: byKey[id]?.promptTokens ?? 0, output: byKey[id]?.completionTokens ?? 0 };
      const [input, output] = [attempt.inputTokens ?? 0, attempt.outputTokens ?? 0];
      booked += input + output;
      const says = toldWrong.get(id);
      const what = `${id} under ${faults.get(id)} ${says ?? ''}`;
      if (says === 'less') {
        expect([input, output], what).toEqual([Math.round(served.input * 0.1), Math.round(served.output * 0.1)]);
        below += served.input + served.output - input - output;
        continue;
      }
      beyond += input + output - served.input - served.output;
      if (says === 'more') {
        const most = [attempt.upperInputTokens ?? 0, attempt.upperOutputTokens ?? 0];
        expect([input, output], what).toEqual([
          Math.min(served.input * 10, most[0]!),
          Math.min(served.output * 10, most[1]!),
        ]);
      } else if (attempt.estimated) {
        expect([input, output], what).toEqual([attempt.upperInputTokens, attempt.upperOutputTokens]);
        expect(input >= served.input && output >= served.output, what).toBe(true);
      } else expect([input, output], what).toEqual([served.input, served.output]);
    }
    expect(booked).toBe(promptTokens + completionTokens + beyond - below);
    console.log(
      `${model.requests.length} requests; ${booked} tokens in the books, ${promptTokens + completionTokens} served`,
    );
  });
});

function outcomeOf({ state, errorType }: AttemptRecord): string {
  return state === 'done' ? 'done' : (errorType ?? state);
}
