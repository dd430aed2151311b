/** Effects that are to be taken back, and those that were. */
import type { RunToolResult } from '../../core/contracts.js';
import type { Ledger } from '../openLedger.js';
import { readInput } from './effectInput.js';
import { readStep, recordedResult } from './stepRow.js';

export interface EffectUnder {
  readonly key: string;
  readonly tool: string;
  readonly state: 'done' | 'sent' | 'unknown';
}

/** The most effects that are listed. */
export const mostEffects = 1_000;

/** The steps below a path. */
export interface StepsUnder {
  readonly tenant: string;
  readonly scope: string;
  /** Of their keys, with the slash at its end. */
  readonly prefix: string;
}

/** Effects below a path that may stand, the last to end first; not what has taken others back. */
export async function listEffectsUnder(ledger: Ledger, { tenant, scope, prefix }: StepsUnder): Promise<EffectUnder[]> {
  const { rows } = await ledger.query<{
    key: string;
    name: string;
    state: EffectUnder['state'];
    result: string | null;
  }>(
    `select key, name, state, result from segno.steps
     where tenant = $1 and scope = $2 and starts_with(key, $3) and kind = 'tool' and safety <> 'pure'
       and state in ('done', 'sent', 'unknown') and undone_by is null and position('/rollback/' in key) = 0
     order by finished_at desc nulls first, seq desc limit $4`,
    [tenant, scope, prefix, mostEffects + 1],
    { idempotent: true },
  );
  // A failure that a model was told is a result, too.
  const failed = (result: string | null): boolean =>
    result !== null && (JSON.parse(result) as RunToolResult | null)?.failed !== undefined;
  return rows.filter(({ result }) => !failed(result)).map(({ key, name, state }) => ({ key, tool: name, state }));
}

export interface DoneEffect {
  readonly idempotencyKey: string;
  readonly input: unknown;
  /** Undefined: recorded before its tool could be undone. */
  readonly output: unknown;
}

/** @returns undefined when it did not take effect, as far as is known */
export async function readDoneEffect(ledger: Ledger, key: string): Promise<DoneEffect | undefined> {
  const stored = await readStep(ledger, key);
  if (stored?.state !== 'done') return undefined;
  const { rows } = await ledger.query<{ text: string | null; sha256: string | null; idempotency_key: string }>(
    `select input as text, input_sha256 as sha256, coalesce(idempotency_key, key) as idempotency_key
     from segno.steps where key = $1`,
    [key],
    { idempotent: true },
  );
  const { text, sha256, idempotency_key: idempotencyKey } = rows[0]!;
  const { result } = await recordedResult(ledger, stored);
  const input = sha256 === null ? undefined : await readInput(ledger, stored.tenant, { text, sha256 });
  return { idempotencyKey, input, output: (result as RunToolResult).value };
}

/**
 * A retry of the run does them anew.
 *
 * @param by the step that has taken them back
 * @param but not those of these tools
 */
export async function markStepsUndone(
  ledger: Ledger,
  keys: readonly string[],
  by: string,
  but: readonly string[] = [],
): Promise<void> {
  await ledger.query(
    `update segno.steps set undone_by = $2 where key = any($1::text[]) and safety <> 'pure' and undone_by is null
       and name <> all($3::text[])`,
    [keys, by, but],
    { idempotent: true },
  );
}

/**
 * A retry of the run does them anew.
 *
 * @param by the step that has taken them back
 */
export async function markStepsUndoneUnder(
  ledger: Ledger,
  { tenant, scope, prefix }: StepsUnder,
  by: string,
): Promise<void> {
  await ledger.query(
    `update segno.steps set undone_by = $4 where tenant = $1 and scope = $2 and starts_with(key, $3) and safety <> 'pure'
       and undone_by is null`,
    [tenant, scope, prefix, by],
    { idempotent: true },
  );
}
