import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Chaos } from '../../../core/chaos/chaos.js';
import type { ActiveRule } from '../../../core/chaos/rule.js';
import { resolveConfig } from '../../../core/config.js';
import { defineTool } from '../../../core/defineTool.js';
import type { ToolContext } from '../../../core/tool.js';
import {
  chaosFile,
  chaosOf,
  readRules,
  readStrikes,
  removeRules,
  writeRules,
} from '../../../workers/chaos/rulesFile.js';
import { withToolFaults } from '../../../workers/chaos/withToolFaults.js';

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'segno-rules-'));
  file = chaosFile(dir);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const rule = (fault: 'before' | 'after', id = 'r'): ActiveRule => ({
  id,
  rule: { at: 'tool', fault },
  seed: 1,
  startsAtMs: Date.now() - 1_000,
  endsAtMs: Date.now() + 60_000,
});

describe('the file of rules', () => {
  it('is read again when it changes, and counts what was struck', () => {
    const chaos = chaosOf(file);
    expect(chaos.atTool('book', Date.now())).toBeUndefined();
    writeRules(file, [rule('before', 'a')]);
    expect(chaos.atTool('book', Date.now())).toBe('before');
    writeRules(file, [rule('after', 'b')]);
    expect([chaos.atTool('book', Date.now()), chaos.atTool('mail', Date.now())]).toEqual(['after', 'after']);
    expect(readStrikes(file).map(({ rule, call }) => [rule, call])).toEqual([
      ['a', 1],
      ['b', 1],
      ['b', 2],
    ]);
    removeRules(file);
    expect(chaos.atTool('book', Date.now())).toBeUndefined();
    expect(existsSync(`${file}l`)).toBe(false);
  });

  it('lets another process go on where one that was killed has stopped', () => {
    const limited = { ...rule('before'), rule: { at: 'tool', fault: 'before', every: 2, limit: 2 } as const };
    writeRules(file, [limited]);
    const call = (chaos: Chaos): string => chaos.atTool('book', Date.now()) ?? '';
    const first = chaosOf(file);
    expect([call(first), call(first)]).toEqual(['', 'before']);
    writeFileSync(`${file}l`, '{"rule":"r","ca\n', { flag: 'a' });
    const second = chaosOf(file);
    expect([call(second), call(second), call(second), call(second)]).toEqual(['', 'before', '', '']);
  });

  it('is its user’s alone', () => {
    writeRules(file, [rule('before')]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it.each(['{', '{"version":2,"rules":[]}', '{"version":1,"rules":[{"id":"x"}]}'])('holds nothing as %s', (text) => {
    writeFileSync(file, text);
    expect(readRules(file)).toEqual([]);
  });
});

describe('a tool under a rule', () => {
  it('throws before its effect, or after it', async () => {
    const effects: string[] = [];
    const book = defineTool({
      description: 'Books.',
      input: z.object({}),
      output: z.object({ ok: z.boolean() }),
      execute: () => {
        effects.push('booked');
        return { ok: true };
      },
    });
    const config = resolveConfig({ tools: { book }, workflows: './workflow.ts' });
    const call = () =>
      withToolFaults(config, chaosOf(file))
        .tools.get('book')!
        .execute({}, {} as ToolContext);
    writeRules(file, [rule('before')]);
    await expect(call()).rejects.toThrow('before the effect');
    expect(effects).toEqual([]);
    writeRules(file, [rule('after')]);
    await expect(call()).rejects.toThrow('after the effect');
    expect(effects).toEqual(['booked']);
    writeRules(file, []);
    await expect(call()).resolves.toEqual({ ok: true });
  });
});
