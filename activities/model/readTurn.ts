import type { CallModelRequest, CallModelResult, ToolCall } from '../../core/contracts.js';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { SegnoError } from '../../core/errors.js';
import type { GuardrailFinding } from '../../core/guardrails.js';
import { callsPerTurn } from '../../core/limits.js';
import type { ToolDefinition } from '../../core/tool.js';
import { hashMessage, type StepUsage, type TranscriptNode } from '../../ledger/index.js';
import { guardAnswer, guardCall } from '../guardrails/guardAnswer.js';
import { type Guard } from '../guardrails/guards.js';
import { toolPolicy } from '../toolCall/toolPolicy.js';
import { type AgentPrompt, inputIn, repairMessage } from './agentPrompt.js';
import type { Conversation } from './conversation.js';
import { assistantMessage, type Message, type RequestedCall } from './messages.js';
import { type StreamedAnswer, tooManyCalls } from './streamAnswer.js';

export const defaultMaxTurns = 20;
export const defaultMaxRepairs = 2;

/** What an answer decides, and the transcript with it. */
export interface Turn {
  result: CallModelResult;
  /** Messages that are not in the ledger yet. */
  nodes: TranscriptNode[];
  messages: Message[];
  /** Size of all messages as JSON. */
  chars: number;
  /** What guardrails have found in the answer. */
  findings: GuardrailFinding[];
}

export interface TurnContext {
  request: CallModelRequest;
  agent: AgentDefinition;
  prompt: AgentPrompt;
  tools: ReadonlyMap<string, ToolDefinition>;
  conversation: Conversation;
  guard: Guard;
  guardOfTool(tool: ToolDefinition | undefined): Guard;
}

/**
 * What the answer means: a validated output, tool calls, or an answer to be corrected.
 *
 * @throws SegnoError `Model.Refused`, `Model.ContentFiltered`, `Model.LengthLimit`, `Model.InvalidOutput`
 */
export async function readTurn(context: TurnContext, answer: StreamedAnswer, usage: StepUsage): Promise<Turn> {
  await failUnlessComplete(answer, context.guard);
  const { request, agent, conversation } = context;
  if (answer.calls.length > callsPerTurn) throw tooManyCalls(answer.calls.length);
  const ids = new Set<string>();
  const calls = answer.calls.map((call) => ({
    ...call,
    id: ownId(call.id, ids),
    name: callableName(call.name, context.tools),
  }));
  const { message, decision, findings } = await decide(context, answer.text, calls);
  const added = [
    message,
    ...(decision.invalid === undefined ? [] : [repairMessage(decision.invalid, decision.blocked)]),
  ];
  const { nodes, head } = chain(conversation, request.head, added);
  return {
    result: {
      head,
      usage: [usage.inputTokens, usage.outputTokens, String(usage.costPicoUsd)],
      ...decision,
      ...(request.head === undefined && {
        limits: { maxTurns: agent.maxTurns ?? defaultMaxTurns, maxRepairs: agent.maxRepairs ?? defaultMaxRepairs },
      }),
    },
    nodes,
    messages: [...conversation.messages, ...added],
    chars: conversation.chars + JSON.stringify(added).length,
    findings,
  };
}

/** Longer than any provider's. */
const longestId = 512;

/** Each answer names its call: an id that is none, or another call's, would make the provider refuse the next turn. */
function ownId(given: string, taken: Set<string>): string {
  let id = given.slice(0, longestId);
  for (let number = taken.size; id === '' || taken.has(id); number += 1) id = `call_${number}`;
  taken.add(id);
  return id;
}

/** A name that no tool has goes into keys, and back to the provider, so it has to be one that both take. */
function callableName(name: string, tools: ReadonlyMap<string, ToolDefinition>): string {
  if (tools.has(name)) return name;
  const safe = name.slice(0, 60).replace(/[^\w-]/g, '_');
  return safe === '' || tools.has(safe) ? `${safe}_unknown` : safe;
}

async function failUnlessComplete({ refusal, finishReason }: StreamedAnswer, guard: Guard): Promise<void> {
  if (refusal !== '') {
    const told = await guard.outputText(refusal);
    throw new SegnoError('Model.Refused', `the model refused: ${told.slice(0, 300)}`);
  }
  if (finishReason === 'content_filter')
    throw new SegnoError('Model.ContentFiltered', 'the provider’s content filter stopped the answer');
  if (finishReason === 'length') throw new SegnoError('Model.LengthLimit', 'the answer was cut at the output limit');
}

interface Decided {
  message: Message;
  decision: Pick<CallModelResult, 'output' | 'calls' | 'invalid' | 'blocked'>;
  findings: GuardrailFinding[];
}

async function decide(
  { agent, prompt, tools, conversation, guard, guardOfTool }: TurnContext,
  text: string,
  calls: readonly RequestedCall[],
): Promise<Decided> {
  if (calls.length === 0) {
    const input = (): unknown => inputIn(conversation.messages, agent);
    const guarded = await guardAnswer(guard, agent, prompt.form, text, input);
    return { message: assistantMessage(guarded.text, []), decision: guarded.decision, findings: guarded.findings };
  }
  const guarded = await Promise.all(
    calls.map((call) => guardCall(guardOfTool(tools.get(call.name)), tools.get(call.name), call)),
  );
  const said = guarded.map(({ call }) => call);
  return {
    message: assistantMessage(await guard.outputText(text), said),
    decision: { calls: said.map(({ name }): ToolCall => ({ tool: name, policy: toolPolicy(tools.get(name)) })) },
    findings: guarded.flatMap(({ findings }) => findings),
  };
}

function chain(
  { newNodes }: Conversation,
  before: string | undefined,
  added: readonly Message[],
): { nodes: TranscriptNode[]; head: string } {
  const nodes = [...newNodes];
  let head = nodes.at(-1)?.hash ?? before ?? null;
  for (const message of added) {
    const hash = hashMessage(head, message);
    nodes.push({ hash, parent: head, message });
    head = hash;
  }
  return { nodes, head: head! };
}
