import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freezeHistories, frozenFaults } from '../../scripts/frozenHistories.js';
import { histories } from './workflowFiles.js';

describe('the histories of released versions', () => {
  it('are as they were at their release', () => {
    expect(frozenFaults(histories)).toEqual([]);
  });
});

describe('frozen histories', () => {
  let dir: string;
  const file = (): string => join(dir, '1.0.0', 'greet', 'answered', 'history.json');

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'segno-frozen-'));
    writeFileSync(join(dir, 'manifest.json'), '{}');
    mkdirSync(join(dir, 'next', 'greet', 'answered'), { recursive: true });
    writeFileSync(join(dir, 'next', 'greet', 'answered', 'history.json'), '{"events":[]}');
    freezeHistories(dir, '1.0.0');
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it('have no faults when nothing was touched', () => {
    expect(frozenFaults(dir)).toEqual([]);
  });

  it('are missed when a file was changed', () => {
    appendFileSync(file(), ' ');
    expect(frozenFaults(dir)).toEqual(['1.0.0/greet/answered/history.json was changed']);
  });

  it('are missed when a file is gone or was added', () => {
    renameSync(file(), join(dir, '1.0.0', 'greet', 'answered', 'other.json'));
    expect(frozenFaults(dir)).toEqual([
      '1.0.0/greet/answered/history.json is gone',
      '1.0.0/greet/answered/other.json was added',
    ]);
  });

  it('may be retired, unchanged', () => {
    mkdirSync(join(dir, 'retired', '1.0.0'), { recursive: true });
    renameSync(join(dir, '1.0.0', 'greet'), join(dir, 'retired', '1.0.0', 'greet'));
    expect(frozenFaults(dir)).toEqual([]);
    appendFileSync(join(dir, 'retired', '1.0.0', 'greet', 'answered', 'history.json'), ' ');
    expect(frozenFaults(dir)).toEqual(['1.0.0/greet/answered/history.json was changed']);
  });

  it('are missed when a version never got into the manifest', () => {
    mkdirSync(join(dir, '1.1.0'));
    expect(frozenFaults(dir)).toEqual(['1.1.0: not in manifest.json']);
  });

  it('are never frozen again', () => {
    mkdirSync(join(dir, 'next'));
    expect(() => freezeHistories(dir, '1.0.0')).toThrow('never change');
  });
});
