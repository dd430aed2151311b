import { Context } from '@temporalio/activity';
import type { AdmissionRequest } from '../core/admission/admission.js';
import { type BudgetQuestion, type RaiseUnit, raiseUnits } from '../core/admission/raise.js';
import { type BudgetRefusal, inUsd } from '../core/admission/refusal.js';
import { SegnoError } from '../core/errors.js';
import { type BeginStepInput, type Ledger, waitForRaise } from '../ledger/index.js';

/** Fits while calls under way settle otherwise than they may: as good as a moment later. */
const retryAfterMs = 100;

/**
 * What a call that was refused throws: where the budget asks, a refusal with the question for the run to put to a person. The run
 * is known to wait for the budget by then, so no raise is missed.
 *
 * @returns the refusal itself where the budget does not ask; `Admission.Waiting` when the budget was raised in the meantime
 */
export async function askingForMore(
  ledger: Ledger,
  { admission, path, name }: BeginStepInput & { admission: AdmissionRequest },
  refusal: SegnoError,
): Promise<SegnoError> {
  const refused = refusal.details as unknown as Pick<BudgetRefusal, 'budget' | 'unit'> & Partial<BudgetRefusal>;
  const demand = admission.budgets.find(({ key }) => key === refused.budget);
  if (demand?.answerWithinMs === undefined) return refusal;
  const { candidates } = admission;
  const need = candidates.find(({ skipOn }) => !skipOn.includes('budget')) ?? candidates.at(-1)!;
  const tokens = need.inputTokens + need.outputTokens;
  const { namespace, workflowExecution } = Context.current().info;
  const waits = await waitForRaise(ledger, {
    budget: demand.key,
    namespace,
    workflowId: workflowExecution!.workflowId,
    tokens,
    costPicoUsd: need.costPicoUsd,
    staysMs: demand.answerWithinMs,
  });
  if (!waits) {
    return new SegnoError('Admission.Waiting', `The budget ${demand.key} was raised.`, { retryAfterMs });
  }
  const { unit: usedUp, limit = {}, spent = {}, spenders = [] } = refused;
  const limited: Record<RaiseUnit, boolean> = {
    usd: limit.usd !== undefined,
    tokens: limit.tokens !== undefined,
    calls: limit.calls !== undefined,
    wallMs: demand.wallMs !== undefined,
  };
  const ask: BudgetQuestion = {
    budget: demand.key,
    raises: waits.raises,
    units: [usedUp, ...raiseUnits.filter((unit) => limited[unit] && unit !== usedUp)],
    answerWithinMs: demand.answerWithinMs,
    detail: {
      budget: demand.key,
      usedUp,
      limit,
      spent,
      spentBy: spenders,
      callMayUse: inUsd({ costPicoUsd: need.costPicoUsd, tokens, calls: 1 }),
      askedBy: { agent: name, step: path },
    },
  };
  return new SegnoError('Budget.Exceeded', refusal.message, { details: { ...refusal.details, ask } });
}
