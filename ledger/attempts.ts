/** What people and programs read of a step's attempts: what they waited for, which models they were not sent to, how they ended. */
import type { Skipped } from '../core/admission/admission.js';
import type { StepFailure } from '../core/steps.js';
import { parseFailure } from './steps/stepRow.js';

export interface AttemptSummary {
  /** `lost`: its worker was; `fenced`: a newer attempt had begun when it ended. */
  readonly state: 'sent' | 'done' | 'failed' | 'lost' | 'fenced';
  readonly startedAt: string;
  readonly finishedAt: string | undefined;
  readonly alias: string | undefined;
  readonly model: string | undefined;
  /** At the gate, before it was begun. */
  readonly waitedMs: number;
  /** `REASON at GATE` */
  readonly waitedFor: string | undefined;
  /** Models before its own that the gate passed over. */
  readonly insteadOf: readonly PassedOver[];
  /** Output tokens it was given, when a budget that degrades made them fewer. */
  readonly degradedTo: number | undefined;
  readonly error: StepFailure | undefined;
}

/** A model that would have come before the one that answered, and why it did not: `outage`, `rateLimit`, `budget`, or how its call ended. */
export interface PassedOver {
  readonly alias: string;
  readonly for: string;
}

/** Of the attempts `a` of a step. Released ones do not count. */
export const attemptsColumn = `jsonb_agg(jsonb_build_object('state', a.state, 'startedAt', a.started_at,
  'finishedAt', a.finished_at, 'alias', a.model_alias, 'model', a.model, 'waitedMs', a.waited_ms, 'waitedFor', a.waited_for,
  'skipped', a.instead_of, 'outputTokens', a.upper_output_tokens, 'error', a.error) order by a.epoch)
  filter (where a.state <> 'released') as tries`;

export interface AttemptRow {
  state: AttemptSummary['state'];
  startedAt: string;
  finishedAt: string | null;
  alias: string | null;
  model: string | null;
  waitedMs: number | null;
  waitedFor: string | null;
  skipped: string | null;
  outputTokens: number | null;
  error: string | null;
}

export function attemptOf(row: AttemptRow): AttemptSummary {
  const skipped = JSON.parse(row.skipped ?? '[]') as Skipped[];
  const own = skipped.findIndex(({ alias }) => alias === row.alias);
  return {
    state: row.state,
    startedAt: new Date(row.startedAt).toISOString(),
    finishedAt: row.finishedAt === null ? undefined : new Date(row.finishedAt).toISOString(),
    alias: row.alias ?? undefined,
    model: row.model ?? undefined,
    waitedMs: row.waitedMs ?? 0,
    waitedFor: row.waitedFor ?? undefined,
    insteadOf: own < 0 ? skipped : skipped.slice(0, own),
    // A model that was passed over and asked after all was asked for less.
    degradedTo: own < 0 ? undefined : (row.outputTokens ?? undefined),
    error: parseFailure(row.error),
  };
}

/** Models before that of the newest attempt, in their order; of each the newest reason. */
export function passedOver(attempts: readonly AttemptSummary[]): PassedOver[] {
  const last = attempts.at(-1)?.alias;
  // Models are tried and passed over in the order of their chain, so the first time each is met tells its place.
  const chain = new Map<string, string>();
  for (const { alias, insteadOf, error, state } of attempts) {
    for (const other of insteadOf) chain.set(other.alias, other.for);
    if (alias !== undefined) chain.set(alias, error?.type ?? state);
  }
  const aliases = [...chain.keys()];
  return aliases.slice(0, Math.max(0, aliases.indexOf(last ?? ''))).map((alias) => ({ alias, for: chain.get(alias)! }));
}
