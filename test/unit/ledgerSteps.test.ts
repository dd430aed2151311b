import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decideTakeover, maxBusyWaitMs } from '../../core/steps.js';
import type { StepFailure, StepRow, StepState, TakeoverDecision, TakeoverFacts } from '../../core/steps.js';

const failure: StepFailure = { type: 'Tool.Failed', message: 'no', retryable: false };
const row: StepRow = {
  state: 'sent',
  tenant: 't',
  fingerprint: 'f',
  kind: 'tool',
  safety: 'once',
  attempt: 1,
  failure: undefined,
};
const request = { tenant: 't', fingerprint: 'f', attempt: 2 };
const dead: TakeoverFacts = { leaseRemainingMs: 5_000, ownerAlive: false };
const alive: TakeoverFacts = { leaseRemainingMs: 5_000, ownerAlive: true };
const expired: TakeoverFacts = { leaseRemainingMs: 0, ownerAlive: true };

describe('decideTakeover', () => {
  it('returns the result of a finished step, to an older attempt too', () => {
    expect(decideTakeover({ ...row, state: 'done', attempt: 9 }, request, dead)).toEqual({ do: 'returnResult' });
  });

  it('refuses another fingerprint and another tenant, finished or not', () => {
    for (const state of ['reserved', 'sent', 'done', 'failed', 'unknown'] as const) {
      expect(decideTakeover({ ...row, state }, { ...request, fingerprint: 'other' }, dead)).toEqual({ do: 'mismatch' });
      expect(decideTakeover({ ...row, state }, { ...request, tenant: 'other' }, dead)).toEqual({ do: 'mismatch' });
    }
  });

  it('throws a final failure again and repeats a retryable one', () => {
    expect(decideTakeover({ ...row, state: 'failed', failure }, request, dead)).toEqual({ do: 'rethrow', failure });
    expect(
      decideTakeover({ ...row, state: 'failed', failure: { ...failure, retryable: true } }, request, dead),
    ).toEqual({
      do: 'takeOver',
      predecessor: 'settled',
    });
  });

  it('releases what was reserved and not sent', () => {
    expect(decideTakeover({ ...row, state: 'reserved' }, request, alive)).toEqual({
      do: 'takeOver',
      predecessor: 'released',
    });
  });

  it('counts a sent model call at its upper bound and calls again, whether its owner lives or not', () => {
    for (const facts of [alive, dead, expired]) {
      expect(decideTakeover({ ...row, kind: 'model' }, request, facts)).toEqual({
        do: 'takeOver',
        predecessor: 'countedAsSpent',
      });
    }
  });

  it('calls an idempotent or pure tool again', () => {
    for (const safety of ['idempotent', 'pure'] as const) {
      expect(decideTakeover({ ...row, safety }, request, alive)).toEqual({ do: 'takeOver', predecessor: 'lost' });
    }
  });

  it('waits for the living owner of an effect, at most two seconds at a time', () => {
    expect(decideTakeover(row, request, alive)).toEqual({ do: 'wait', retryAfterMs: maxBusyWaitMs });
    expect(decideTakeover(row, request, { ...alive, leaseRemainingMs: 300 })).toEqual({
      do: 'wait',
      retryAfterMs: 300,
    });
  });

  it('knows no outcome of an effect whose owner is dead or whose lease is over', () => {
    expect(decideTakeover(row, request, dead)).toEqual({ do: 'outcomeUnknown', markUnknown: true });
    expect(decideTakeover(row, request, expired)).toEqual({ do: 'outcomeUnknown', markUnknown: true });
    expect(decideTakeover({ ...row, state: 'unknown' }, request, alive)).toEqual({
      do: 'outcomeUnknown',
      markUnknown: false,
    });
  });

  it('fences an attempt older than the one that began; local attempts have no order of their own', () => {
    expect(decideTakeover({ ...row, attempt: 3, kind: 'model' }, request, dead)).toEqual({ do: 'fenced' });
    const local = decideTakeover({ ...row, attempt: 3, kind: 'model' }, { ...request, attempt: 0 }, dead);
    expect(local.do).toBe('takeOver');
  });
});

/** A ledger of one step in memory: what the SQL does with a decision. */
interface World {
  row: StepRow;
  epoch: number;
  leaseEndsAt: number;
  ownerAlive: boolean;
  now: number;
  /** Epochs whose call to the outside may still be on its way. */
  inFlight: Set<number>;
  effects: number;
}

type Event =
  | { type: 'begin'; attempt: number }
  | { type: 'pass'; ms: number }
  | { type: 'ownerDies' }
  | { type: 'settle'; epochsAgo: number; state: 'done' | 'failed'; retryable: boolean };

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ type: fc.constant('begin' as const), attempt: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ type: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 2_000 }) }),
  fc.constant({ type: 'ownerDies' as const }),
  fc.record({
    type: fc.constant('settle' as const),
    epochsAgo: fc.integer({ min: 0, max: 2 }),
    state: fc.constantFrom('done' as const, 'failed' as const),
    retryable: fc.boolean(),
  }),
);

function apply(world: World, step: Event): TakeoverDecision | undefined {
  if (step.type === 'pass') world.now += step.ms;
  if (step.type === 'ownerDies') world.ownerAlive = false;
  if (step.type === 'settle') {
    const epoch = world.epoch - step.epochsAgo;
    world.inFlight.delete(epoch);
    if (step.epochsAgo === 0 && (world.row.state === 'sent' || world.row.state === 'unknown')) {
      world.row = { ...world.row, state: step.state, failure: { ...failure, retryable: step.retryable } };
    }
  }
  if (step.type !== 'begin') return undefined;
  const facts = { leaseRemainingMs: world.leaseEndsAt - world.now, ownerAlive: world.ownerAlive };
  const decision = decideTakeover(world.row, { ...request, attempt: step.attempt }, facts);
  if (decision.do === 'takeOver') {
    world.epoch += 1;
    world.inFlight.add(world.epoch);
    world.effects += 1;
    world.row = { ...world.row, state: 'sent', attempt: step.attempt };
    world.leaseEndsAt = world.now + 3_000;
    world.ownerAlive = true;
  }
  if (decision.do === 'outcomeUnknown') world.row = { ...world.row, state: 'unknown' };
  return decision;
}

function start(over: Partial<StepRow>): World {
  const begun: StepRow = { ...row, ...over };
  return { row: begun, epoch: 1, leaseEndsAt: 3_000, ownerAlive: true, now: 0, inFlight: new Set([1]), effects: 1 };
}

describe('any sequence of begins, deaths, pauses and late answers', () => {
  it('never has two calls of a once-only effect on the way', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const world = start({ safety: 'once' });
        for (const step of events) {
          apply(world, step);
          expect(world.inFlight.size).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('leaves a finished step finished', () => {
    const over = fc.record({
      kind: fc.constantFrom('model' as const, 'tool' as const),
      safety: fc.constantFrom('pure' as const, 'idempotent' as const, 'once' as const),
    });
    fc.assert(
      fc.property(over, fc.array(event, { maxLength: 40 }), (shape, events) => {
        const world = start(shape);
        let finished: { epoch: number; effects: number } | undefined;
        for (const step of events) {
          apply(world, step);
          if (world.row.state === 'done') finished ??= { epoch: world.epoch, effects: world.effects };
          if (!finished) continue;
          expect(world.row.state satisfies StepState).toBe('done');
          expect({ epoch: world.epoch, effects: world.effects }).toEqual(finished);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives every call an epoch of its own, each higher than the last', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const world = start({ kind: 'model' });
        for (const step of events) {
          const before = world.epoch;
          const decision = apply(world, step);
          expect(world.epoch - before).toBe(decision?.do === 'takeOver' ? 1 : 0);
          expect(world.effects).toBe(world.epoch);
        }
      }),
      { numRuns: 500 },
    );
  });
});
