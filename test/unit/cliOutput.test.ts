import { describe, expect, it, vi } from 'vitest';
import { gateTable } from '../../cli/commands/spending.js';
import { printJson } from '../../cli/output.js';
import type { GateState } from '../../ledger/index.js';

describe('the table of gates', () => {
  const gate: GateState = {
    key: 'model/p/m',
    limits: {},
    running: 1,
    used: { requests: 2, tokens: 3, costPicoUsd: 40_000_000_000n },
    breaker: 'off',
    openUntil: undefined,
    pausedUntil: undefined,
    lastFault: undefined,
    waiting: 13,
  };

  it('has money where a gate limits it', () => {
    const limited = { ...gate, key: 'model/p/dear', limits: { costPicoUsdPerMinute: 50_000_000_000n } };
    const [headings, ...rows] = gateTable([gate, limited], 0).split('\n');
    expect(headings).toMatch(/TOKENS\/MIN {2}USD\/MIN/);
    expect(rows.map((row) => row.split(/ {2,}/).at(-1))).toEqual(['$0.04', '$0.04 of $0.05']);
    expect(gateTable([gate], 0)).not.toContain('USD');
  });

  it('says of a provider that wants to be left alone for how long', () => {
    const paused = { ...gate, breaker: 'closed' as const, pausedUntil: new Date(12_000).toISOString() };
    expect(gateTable([paused], 0)).toContain('left alone, 12.0 s more');
  });
});

it('the result of a workflow that has none is null as JSON', () => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  printJson(undefined);
  const calls = [...write.mock.calls];
  write.mockRestore();
  expect(calls).toEqual([['null\n']]);
});
