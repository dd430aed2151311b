/**
 * Asks a person to raise a budget, for the calls of this execution that it could not pay.
 *
 * Invariants:
 * 1. One question a budget at a time, whoever needs it; its answer is everybody's.
 * 2. A question ends by itself when nobody waits for its answer any more, or somebody else raised the budget.
 * 3. A call that was refused before a raise is tried again before a person is asked.
 * 4. Who has said no, or nothing, is asked again only after the budget was raised.
 */
import { ApplicationFailure, CancellationScope, condition, defineSignal, setHandler } from '@temporalio/workflow';
import {
  budgetApprovalName,
  type BudgetQuestion,
  type BudgetRaised,
  budgetRaisedSignal,
  type RaiseAmounts,
} from '../core/admission/raise.js';
import type { Decision } from '../core/approval.js';
import type { RunContext } from '../core/contracts.js';
import { remoteActivities } from './activities.js';
import { causeOf } from './failure.js';
import { closeApproval, openApproval, type WaitingApproval } from './waitingApprovals.js';

interface Question {
  waiting: number;
}

export interface AskOptions {
  ctx: RunContext | undefined;
  /** Workflow clock: after that nobody needs the answer. */
  latestMs?: number;
}

/** The database is asked once more often than it can be away. */
const raiseLimitMs = 24 * 3_600_000;

const questions = new Map<string, Question>();
/** Budget → how often it was raised, as far as this execution knows. */
const raises = new Map<string, number>();
/** Budget → why it was not raised, and how often it had been until then. */
const refusals = new Map<string, { raises: number; why: string }>();
let listening = false;

/** What a failed call wants asked; undefined for all other failures. */
export function questionOf(error: unknown): BudgetQuestion | undefined {
  const cause = causeOf(error);
  if (!(cause instanceof ApplicationFailure) || cause.type !== 'Budget.Exceeded') return undefined;
  // A step's failure names the step first.
  return (cause.details as { ask?: BudgetQuestion }[] | undefined)?.slice(0, 2).find(({ ask }) => ask)?.ask;
}

/**
 * Resolves when the call may be tried again, or is not to be.
 *
 * @param path of the question: no other has it
 * @returns why the budget was not raised; undefined when it was
 */
export async function askForMore(
  path: string,
  asked: BudgetQuestion,
  options: AskOptions,
): Promise<string | undefined> {
  const { budget } = asked;
  listen();
  learn(asked);
  const raised = (): boolean => (raises.get(budget) ?? 0) > asked.raises;
  const refused = (): boolean => (refusals.get(budget)?.raises ?? -1) >= asked.raises;
  if (!raised() && !refused()) {
    const question = questions.get(budget) ?? ask(path, asked, options);
    question.waiting += 1;
    try {
      await condition(() => raised() || refused());
    } finally {
      question.waiting -= 1;
    }
  }
  return raised() ? undefined : refusals.get(budget)?.why;
}

function listen(): void {
  if (listening) return;
  listening = true;
  setHandler(defineSignal<[BudgetRaised]>(budgetRaisedSignal), learn);
}

function learn({ budget, raises: soFar }: BudgetRaised): void {
  raises.set(budget, Math.max(soFar, raises.get(budget) ?? 0));
}

/** @throws ApplicationFailure `Pattern.InvalidSteps` when the execution waits for too many approvals */
function ask(path: string, asked: BudgetQuestion, options: AskOptions): Question {
  const { budget, units, detail, answerWithinMs } = asked;
  const nowMs = Date.now();
  const untilMs = Math.min(nowMs + answerWithinMs, Math.max(options.latestMs ?? Infinity, nowMs + 1));
  const approval = openApproval(path, {
    name: budgetApprovalName,
    title: `The budget ${budget} is used up. Raise it?`.slice(0, longestTitle),
    detail,
    raise: units,
    since: new Date(nowMs).toISOString(),
    until: new Date(untilMs).toISOString(),
  });
  const question: Question = { waiting: 0 };
  questions.set(budget, question);
  // What cancels one who waits must not take the question from the others.
  void CancellationScope.nonCancellable(async () => {
    const why = await answered(path, asked, { ...options, approval, question, untilMs });
    questions.delete(budget);
    if (why !== undefined) refusals.set(budget, { raises: raises.get(budget) ?? 0, why });
  });
  return question;
}

const longestTitle = 300;

interface Asking extends AskOptions {
  approval: WaitingApproval;
  question: Question;
  untilMs: number;
}

/** @returns why the budget is not raised; undefined when it is, or when nobody needs it */
async function answered(
  path: string,
  { budget }: BudgetQuestion,
  { approval, question, untilMs, ctx }: Asking,
): Promise<string | undefined> {
  const before = raises.get(budget) ?? 0;
  // Who asks begins to wait in this very turn.
  await Promise.resolve();
  const over = (): boolean =>
    approval.decision !== undefined || question.waiting === 0 || (raises.get(budget) ?? 0) > before;
  const inTime = await condition(over, Math.max(1, untilMs - Date.now()));
  const { decision } = approval;
  closeApproval(path, inTime || decision ? 'Approval.Unknown' : 'Approval.Expired');
  if (decision?.approved) return raise(`${path}/raise`, budget, decision, ctx);
  if (decision) return `${decision.by} did not raise it${decision.comment ? ` (${decision.comment})` : ''}`;
  return inTime ? undefined : `nobody raised it until ${new Date(untilMs).toISOString()}`;
}

async function raise(
  path: string,
  budget: string,
  { value, by }: Decision,
  ctx: RunContext | undefined,
): Promise<string | undefined> {
  const limits = { startToCloseTimeout: '1m', scheduleToCloseTimeout: raiseLimitMs } as const;
  try {
    const amounts = value as RaiseAmounts;
    learn(await remoteActivities(path, limits).raiseBudget({ path, budget, amounts, by, ...(ctx && { ctx }) }));
    return undefined;
  } catch (error) {
    return `it could not be raised: ${(causeOf(error) as Error).message}`;
  }
}
