/**
 * The first begin of steps: those that come while a statement is under way go together in the next one.
 *
 * Invariants:
 * 1. A row that is there is read and left alone: what an earlier attempt left is judged by the caller.
 * 2. What the gate does not let pass is not begun. The gate's rows are locked before the steps' own.
 * 3. Steps with and without the gate do not go together: a tool does not wait for a budget's row.
 */
import type { AdmissionRequest } from '../../core/admission/admission.js';
import { admissionGroup, type Verdict } from '../admission/admissionJson.js';
import { GroupCommit } from '../groupCommit.js';
import { toJsonb } from '../toJsonb.js';
import type { Ledger } from '../openLedger.js';
import { stepColumns, type StoredStep } from './stepRow.js';
import type { BeginStepInput } from './stepTypes.js';

export interface FirstBegin {
  readonly input: BeginStepInput;
  readonly token: string;
}

/** The columns of the step itself are null when there was none. */
export interface Tried extends StoredStep {
  readonly begun: boolean;
  readonly verdict: Verdict | null;
}

type Begins = GroupCommit<FirstBegin, Tried>;

const beginsOf = new WeakMap<Ledger, { readonly tools: Begins; readonly calls: Begins }>();

/** @throws SegnoError `Ledger.Unavailable` */
export function beginFirst(ledger: Ledger, begin: FirstBegin): Promise<Tried> {
  let begins = beginsOf.get(ledger);
  if (!begins) {
    const create = (): Begins =>
      new GroupCommit((group) => beginTogether(ledger, group), { keyOf: ({ input }) => input.key });
    begins = { tools: create(), calls: create() };
    beginsOf.set(ledger, begins);
  }
  return (begin.input.admission ? begins.calls : begins.tools).add(begin);
}

/** The row is looked up by its key, once a step, however little the database knows of its tables. */
const beginSql = `
select b.begun, b.verdict, s.* from segno.begin_steps($1::jsonb) b
left join lateral (select ${stepColumns} from segno.steps s where s.key = $1::jsonb->'steps'->(b.n - 1)->>'key' offset 0) s on not b.begun
order by b.n`;

async function beginTogether(ledger: Ledger, begins: readonly FirstBegin[]): Promise<readonly Tried[]> {
  const { asks, ...gate } = admissionGroup(begins.flatMap(({ input }) => (hasAdmission(input) ? [input] : [])));
  const askOf = new Map(asks.map((ask) => [ask.key, ask]));
  const steps = begins.map(({ input, token }) => {
    const { admission: _, model, upperBound, ...step } = input;
    const { inputTokens, outputTokens, costPicoUsd } = upperBound ?? {};
    return {
      ...step,
      token,
      ...model,
      inputTokens,
      outputTokens,
      cost: costPicoUsd?.toString(),
      ask: askOf.get(step.key),
    };
  });
  const { rows } = await ledger.query<Tried>(beginSql, [toJsonb({ ...gate, steps })], { idempotent: true });
  return rows;
}

function hasAdmission(input: BeginStepInput): input is BeginStepInput & { admission: AdmissionRequest } {
  return input.admission !== undefined;
}
