/**
 * Kills and pauses processes of the development stack as its rules say. Run by the process that started them.
 *
 * Invariants:
 * 1. What is signalled is a child of this stack, through its supervisor; no pid is read from a file.
 * 2. A process that was paused goes on when its rule ends, when the rules are taken away, and before the stack is stopped.
 */
import type { Strike } from '../../core/chaos/chaos.js';
import { type ActiveRule, isAtWork, isProcessRule, killMoments, type ProcessRule } from '../../core/chaos/rule.js';

type ProcessName = ProcessRule['at'];

export interface ProcessFaultsOptions {
  /** Asked several times a second. */
  readonly rules: () => readonly ActiveRule[];
  /** @returns false when no such process runs now */
  readonly signal: (name: ProcessName, signal: NodeJS.Signals) => boolean;
  readonly onStrike: (strike: Strike) => void;
}

const tickMs = 100;

/** @returns a function that ends it */
export function runProcessFaults(options: ProcessFaultsOptions): () => void {
  /** Kills made, and processes paused, by the id of their rule. */
  const kills = new Map<string, number>();
  const pauses = new Map<string, ProcessName>();

  function kill(active: ActiveRule, name: ProcessName, nowMs: number): void {
    const made = kills.get(active.id) ?? 0;
    const due = killMoments(active).filter((moment) => moment <= nowMs).length;
    if (due <= made) return;
    kills.set(active.id, due);
    if (options.signal(name, 'SIGKILL')) options.onStrike({ rule: active.id, at: name, fault: 'kill' });
  }

  function pause(active: ActiveRule, name: ProcessName, nowMs: number): void {
    if (pauses.has(active.id) || !isAtWork(active, nowMs) || !options.signal(name, 'SIGSTOP')) return;
    pauses.set(active.id, name);
    options.onStrike({ rule: active.id, at: name, fault: 'pause' });
  }

  function goOn(isOver: (id: string) => boolean): void {
    for (const [id, name] of [...pauses]) {
      if (!isOver(id)) continue;
      pauses.delete(id);
      if (![...pauses.values()].includes(name)) options.signal(name, 'SIGCONT');
    }
  }

  function tick(): void {
    const nowMs = Date.now();
    const rules = options.rules();
    for (const active of rules) {
      const { rule } = active;
      if (!isProcessRule(rule)) continue;
      (rule.fault === 'kill' ? kill : pause)(active, rule.at, nowMs);
    }
    const atWork = new Set(rules.filter((active) => isAtWork(active, nowMs)).map(({ id }) => id));
    goOn((id) => !atWork.has(id));
  }

  const timer = setInterval(tick, tickMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    goOn(() => true);
  };
}
