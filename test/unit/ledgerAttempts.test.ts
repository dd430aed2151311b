import { describe, expect, it } from 'vitest';
import { attemptOf, type AttemptRow, passedOver } from '../../ledger/attempts.js';

const row = (alias: string, over: Partial<AttemptRow> = {}): AttemptRow => ({
  ...{ state: 'failed', startedAt: '2026-01-01T00:00:00.123456+00:00', finishedAt: null, alias, model: alias },
  ...{ waitedMs: null, waitedFor: null, skipped: null, outputTokens: 1_000, error: null },
  ...over,
});
const limited = { error: '{"type":"Model.RateLimited","message":"x","retryable":true}' };
const skipped = (...aliases: string[]) => ({
  skipped: JSON.stringify(aliases.map((alias) => ({ alias, for: 'budget' }))),
});
const fallbacks = (...rows: AttemptRow[]) => passedOver(rows.map(attemptOf));

describe('models that were passed over', () => {
  it('are those before the one that answered, each with why', () => {
    expect(fallbacks(row('default', limited), row('small', { state: 'done' }))).toEqual([
      { alias: 'default', for: 'Model.RateLimited' },
    ]);
    expect(fallbacks(row('last', { ...skipped('default', 'small'), state: 'done' }))).toEqual([
      { alias: 'default', for: 'budget' },
      { alias: 'small', for: 'budget' },
    ]);
  });

  it('are none when the first answers in the end', () => {
    expect(fallbacks(row('default', limited), row('small', limited), row('default', { state: 'done' }))).toEqual([]);
  });

  it('have the newest reason, and are none of a tool', () => {
    const rows = [
      row('default', limited),
      row('small', limited),
      row('small', { ...skipped('default'), state: 'done' }),
    ];
    expect(fallbacks(...rows)).toEqual([{ alias: 'default', for: 'budget' }]);
    expect(fallbacks({ ...row('x'), alias: null })).toEqual([]);
  });
});

it('an attempt of a model that was passed over was given fewer output tokens', () => {
  const cut = attemptOf(row('default', { ...skipped('default', 'small'), outputTokens: 500 }));
  expect(cut).toMatchObject({ degradedTo: 500, insteadOf: [], startedAt: '2026-01-01T00:00:00.123Z' });
  expect(attemptOf(row('small', skipped('default')))).toMatchObject({ degradedTo: undefined });
});
