/**
 * What became of effects whose outcome was lost: which there are, and a person's word on one of them.
 *
 * A run that waits for the answer gets it as a decision. For one that has ended it stands in the ledger, for its retry.
 */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import { SegnoError } from '../core/errors.js';
import type { OutcomeAnswer } from '../core/outcome.js';
import { type Ledger, listUnknownSteps, sayOutcome, type UnknownStep } from '../ledger/index.js';
import { approvalsOfRun, decideApproval, type WaitingApproval } from './approvals.js';

/** An effect that nobody knows whether it took place. */
export interface UnknownEffect {
  /** Path of the step; of a child workflow's after its id and a slash. */
  step: string;
  tool: string;
  /** ISO 8601. */
  sentAt: string;
  idempotencyKey: string;
  /** The run waits for the answer. */
  waits: boolean;
  /** What has been said of it already, for the retry of the run. */
  said?: { answer: OutcomeAnswer; by: string; at: string };
}

export interface ResolveOptions {
  /** The step's path. Default: the only one whose outcome is unknown. */
  step?: string;
  /** It took effect, with this output; it is to be called again; it counts as failed. */
  answer: OutcomeAnswer;
  /** Who says so. */
  by: string;
}

interface Found extends UnknownEffect {
  key: string;
  approval: WaitingApproval | undefined;
}

export async function listUnknown(
  temporal: Client,
  ledger: Ledger,
  root: WorkflowExecutionDescription,
  tenant: string,
): Promise<UnknownEffect[]> {
  return (await find(temporal, ledger, root, tenant)).map(shown);
}

/** @throws SegnoError `Step.Unknown`; what {@link decideApproval} throws */
export async function resolveOutcome(
  temporal: Client,
  ledger: Ledger,
  root: WorkflowExecutionDescription,
  { step, answer, by, tenant }: ResolveOptions & { tenant: string },
): Promise<UnknownEffect> {
  const run = root.workflowId;
  const all = await find(temporal, ledger, root, tenant);
  const named = all.filter((effect) => step === undefined || effect.step === step);
  const [effect] = named;
  if (!effect || named.length > 1) {
    const which = all.length === 0 ? 'no step of it has an unknown outcome' : 'say which of these steps';
    const list = all.map((one) => one.step).join(', ');
    throw new SegnoError('Step.Unknown', `the run ${run}: ${which}${list && `: ${list}`}`);
  }
  if (effect.approval) {
    const { path, workflowId } = effect.approval;
    const name = workflowId === run ? path : `${workflowId}/${path}`;
    const decision = answer === 'fail' ? { approved: false } : { approved: true, value: answer };
    await decideApproval(temporal, run, { name, by, ...decision });
  } else if (!(await sayOutcome(ledger, { key: effect.key, answer, by }))) {
    throw new SegnoError('Step.Unknown', `the run ${run}: the outcome of ${effect.step} is known by now`);
  }
  return shown({ ...effect, said: { answer, by, at: new Date().toISOString() } });
}

async function find(
  temporal: Client,
  ledger: Ledger,
  root: WorkflowExecutionDescription,
  tenant: string,
): Promise<Found[]> {
  const scope = root.workflowId;
  const ended = root.status.name !== 'RUNNING';
  const [steps, approvals] = await Promise.all([
    listUnknownSteps(ledger, { tenant, scope, ended }),
    approvalsOfRun(temporal, root),
  ]);
  return steps.map((unknown) => {
    const { workflowId, path } = unknown;
    const approval = approvals.find((one) => one.outcomeOf === path && one.workflowId === workflowId);
    return foundOf(workflowId === scope ? path : `${workflowId}/${path}`, unknown, approval);
  });
}

function foundOf(
  step: string,
  { key, tool, sentAt, idempotencyKey, said }: UnknownStep,
  approval: WaitingApproval | undefined,
): Found {
  return {
    ...{ step, key, tool, sentAt, idempotencyKey, approval, waits: approval !== undefined },
    ...(said && { said: { answer: said.answer, by: said.by, at: said.at } }),
  };
}

function shown({ key: _, approval: __, ...effect }: Found): UnknownEffect {
  return effect;
}
