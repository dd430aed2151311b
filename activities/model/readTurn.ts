import type { CallModelRequest, CallModelResult, ToolCall } from '../../core/contracts.js';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { SegnoError } from '../../core/errors.js';
import { callsPerTurn } from '../../core/limits.js';
import type { ToolDefinition } from '../../core/tool.js';
import { hashMessage, type StepUsage, type TranscriptNode } from '../../ledger/index.js';
import { toolPolicy } from '../toolCall/toolPolicy.js';
import { type AgentPrompt, readOutput, repairMessage } from './agentPrompt.js';
import type { Conversation } from './conversation.js';
import { assistantMessage, type Message } from './messages.js';
import type { StreamedAnswer } from './streamAnswer.js';

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
}

export interface TurnContext {
  request: CallModelRequest;
  agent: AgentDefinition;
  prompt: AgentPrompt;
  tools: ReadonlyMap<string, ToolDefinition>;
  conversation: Conversation;
}

/**
 * What the answer means: a validated output, tool calls, or an answer to be corrected.
 *
 * @throws SegnoError `Model.Refused`, `Model.ContentFiltered`, `Model.LengthLimit`, `Model.InvalidOutput`
 */
export function readTurn(context: TurnContext, answer: StreamedAnswer, usage: StepUsage): Turn {
  failUnlessComplete(answer);
  const { request, agent, conversation } = context;
  if (answer.calls.length > callsPerTurn) {
    const asked = `the model asked for ${answer.calls.length} tools in one turn, and may ask for ${callsPerTurn}`;
    throw new SegnoError('Model.InvalidOutput', asked);
  }
  const calls = answer.calls.map((call, index) => ({
    ...call,
    id: call.id || `call_${index}`,
    name: callableName(call.name, context.tools),
  }));
  const decision = decide(context, answer.text, calls);
  const added = [
    assistantMessage(answer.text, calls),
    ...(decision.invalid === undefined ? [] : [repairMessage(decision.invalid)]),
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
  };
}

/** A name that no tool has goes into keys, and back to the provider, so it has to be one that both take. */
function callableName(name: string, tools: ReadonlyMap<string, ToolDefinition>): string {
  if (tools.has(name)) return name;
  const safe = name.replace(/[^\w-]/g, '_').slice(0, 60);
  return safe === '' || tools.has(safe) ? `${safe}_unknown` : safe;
}

function failUnlessComplete({ refusal, finishReason }: StreamedAnswer): void {
  if (refusal !== '') throw new SegnoError('Model.Refused', `the model refused: ${refusal.slice(0, 300)}`);
  if (finishReason === 'content_filter')
    throw new SegnoError('Model.ContentFiltered', 'the provider’s content filter stopped the answer');
  if (finishReason === 'length') throw new SegnoError('Model.LengthLimit', 'the answer was cut at the output limit');
}

function decide(
  { agent, prompt, tools }: TurnContext,
  text: string,
  calls: readonly { name: string }[],
): Pick<CallModelResult, 'output' | 'calls' | 'invalid'> {
  if (calls.length === 0) return readOutput(agent, prompt.form, text);
  return { calls: calls.map(({ name }): ToolCall => ({ tool: name, policy: toolPolicy(tools.get(name)) })) };
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
