/**
 * `.segno/chaos.json`: the faults that the development stack of a folder is to show, and `.segno/chaos.jsonl`: those it has shown.
 *
 * Invariants:
 * 1. `segno chaos` writes the rules, atomically; the processes of the stack read them. Nobody else is told of them.
 * 2. Rules count for one stack only: its start and its stop take the file away.
 * 3. A file that cannot be read, or is not valid, holds no rules.
 */
import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { Chaos, type Strike } from '../../core/chaos/chaos.js';
import { activeRuleSchema, type ActiveRule } from '../../core/chaos/rule.js';

/** How the stack hands the file's path to its worker. */
export const chaosFileVariable = 'SEGNO_CHAOS_FILE';

const fileSchema = z.strictObject({ version: z.literal(1), rules: z.array(activeRuleSchema).max(100) });

/** @param stackDir the project's `.segno` */
export function chaosFile(stackDir: string): string {
  return join(stackDir, 'chaos.json');
}

export function readRules(file: string): readonly ActiveRule[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(file, 'utf8'))).rules;
  } catch {
    return [];
  }
}

export function writeRules(file: string, rules: readonly ActiveRule[]): void {
  mkdirSync(dirname(file), { recursive: true });
  const draft = `${file}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify({ version: 1, rules }, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, file);
}

export function removeRules(file: string): void {
  rmSync(file, { force: true });
  rmSync(logOf(file), { force: true });
}

/** The rules as they stand now; the file is read again only when it has changed. */
export function watchRules(file: string): () => readonly ActiveRule[] {
  let seen = '';
  let rules: readonly ActiveRule[] = [];
  return () => {
    const stamp = stampOf(file);
    if (stamp !== seen) {
      seen = stamp;
      rules = stamp === '' ? [] : readRules(file);
    }
    return rules;
  };
}

/** Decides by the file's rules, and notes what it decides. */
export function chaosOf(file: string): Chaos {
  return new Chaos(watchRules(file), (strike) => noteStrike(file, strike), readStrikes(file));
}

/** One line a strike: several processes append, and a line is one write. */
export function noteStrike(file: string, strike: Strike): void {
  appendFileSync(logOf(file), `${JSON.stringify({ time: new Date().toISOString(), ...strike })}\n`, { mode: 0o600 });
}

/** In order; a line that cannot be read is passed over. */
export function readStrikes(file: string): Strike[] {
  const text = statSync(logOf(file), { throwIfNoEntry: false }) ? readFileSync(logOf(file), 'utf8') : '';
  return text.split('\n').flatMap(strikeOf);
}

function strikeOf(line: string): Strike[] {
  try {
    return [JSON.parse(line) as Strike];
  } catch {
    return [];
  }
}

/** Another file, or the same one written to: a rename gives it another inode. */
function stampOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return stat ? `${stat.ino} ${stat.mtimeMs} ${stat.size}` : '';
}

const logOf = (file: string): string => `${file}l`;
