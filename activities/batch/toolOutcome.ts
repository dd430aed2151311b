import type { RunToolResult } from '../../core/contracts.js';
import { SegnoError } from '../../core/errors.js';
import { detailOf } from '../guardrails/findings.js';
import type { Outcome } from '../toolCall/outcome.js';
import type { ItemOutcome } from './itemRunner.js';

/** What is recorded of a call that came to its end. */
export interface Ended {
  readonly result: RunToolResult;
  readonly detail?: unknown;
}

export function endedWith({ result, findings }: Outcome): Ended {
  return { result, ...detailOf(findings) };
}

export function outcomeOf({ value, blocked }: RunToolResult, attempts: number): ItemOutcome {
  if (blocked !== undefined) return { error: new SegnoError('Guardrail.Blocked', blocked), attempts };
  return { output: value, attempts };
}
