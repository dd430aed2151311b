/** The actions of a plan in which peers take turns: `handoff`, `mesh` and `debate`. */
import {
  type DebateReply,
  debateReplySchema,
  type HandoffReply,
  handoffReplySchema,
  type MeshReply,
  meshReplySchema,
} from '../../core/peers.js';
import type { PlanAction, PlanDebate, PlanHandoff, PlanMesh } from '../../core/plan/plan.js';
import { type DocumentPath, formatPath } from '../../core/plan/references.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { debate } from '../patterns/debate.js';
import { handoff } from '../patterns/handoff.js';
import { mesh } from '../patterns/mesh.js';
import { type PlanVariables, resolve } from './resolve.js';
import type { RunAction } from './runReviewed.js';

export function runHandoff(
  { task, peers, start, maxTurns, maxReturns, ...more }: PlanHandoff,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  const turnOf = turns<HandoffReply>(handoffReplySchema, variables, run);
  return handoff({
    task: textOf(task, variables, [...at, 'task']),
    peers: peersOf(peers, at, turnOf),
    start,
    ...(maxTurns !== undefined && { maxTurns }),
    ...(maxReturns !== undefined && { maxReturns }),
    ...limits(more),
  });
}

export function runMesh(
  { goal, peers, start, maxRounds, maxMessages, maxExchange, ...more }: PlanMesh,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  const turnOf = turns<MeshReply>(meshReplySchema, variables, run);
  return mesh({
    goal: textOf(goal, variables, [...at, 'goal']),
    peers: peersOf(peers, at, turnOf),
    ...(start && { start }),
    ...(maxRounds !== undefined && { maxRounds }),
    ...(maxMessages !== undefined && { maxMessages }),
    ...(maxExchange !== undefined && { maxExchange }),
    ...limits(more),
  });
}

export function runDebate(
  { question, sides, judge, rounds, ...more }: PlanDebate,
  variables: PlanVariables,
  at: DocumentPath,
  run: RunAction,
): Promise<unknown> {
  const speechOf = turns<DebateReply>(debateReplySchema, variables, run);
  return debate({
    question: textOf(question, variables, [...at, 'question']),
    sides: Object.fromEntries(
      Object.entries(sides).map(([name, { position, speak }]) => [
        name,
        { position, speak: speechOf(speak, [...at, 'sides', name, 'speak']) },
      ]),
    ),
    judge: (held) => run(judge, { ...variables, debate: held }, [...at, 'judge']),
    ...(rounds !== undefined && { rounds }),
    ...limits(more),
  });
}

/** An action as somebody's turn: it sees `turn`, and must give a reply of this form; more fields may be in it. */
function turns<Reply>(
  schema: { safeParse(output: unknown): { success: boolean }; shape: object },
  variables: PlanVariables,
  run: RunAction,
) {
  return (action: PlanAction, at: DocumentPath) =>
    async (turn: object): Promise<Reply> => {
      const reply = await run(action, { ...variables, turn }, at);
      if (!schema.safeParse(reply).success)
        throw fail('Plan.MissingValue', `${formatPath(at)} gave no { ${Object.keys(schema.shape).join(', ')} }`);
      return reply as Reply;
    };
}

function peersOf<Turn>(
  peers: PlanHandoff['peers'],
  at: DocumentPath,
  turnOf: (action: PlanAction, at: DocumentPath) => Turn,
): Record<string, { description: string; turn: Turn }> {
  return Object.fromEntries(
    Object.entries(peers).map(([name, { description, turn }]) => [
      name,
      { description, turn: turnOf(turn, [...at, 'peers', name, 'turn']) },
    ]),
  );
}

function limits({ onFailure, timeout }: Pick<PlanHandoff, 'onFailure' | 'timeout'>) {
  return { ...(onFailure && { onFailure }), ...(timeout !== undefined && { timeout: timeout as Duration }) };
}

/** Text as it is; what references lead to, as JSON. */
function textOf(value: unknown, variables: PlanVariables, at: DocumentPath): string {
  const resolved = resolve(value, variables, at);
  return typeof resolved === 'string' ? resolved : JSON.stringify(resolved);
}
