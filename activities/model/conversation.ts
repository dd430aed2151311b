import type { CallModelRequest } from '../../core/contracts.js';
import type { AgentDefinition } from '../../core/defineAgent.js';
import { SegnoError } from '../../core/errors.js';
import type { GuardrailFinding } from '../../core/guardrails.js';
import { getBlob, hashMessage, loadTranscript, type TranscriptNode } from '../../ledger/index.js';
import type { ActivityDependencies, StepIdentity } from '../dependencies.js';
import { loadDeps } from '../runDeps.js';
import { blockedError, type Guard } from '../guardrails/guards.js';
import { firstMessages, parseInput } from './agentPrompt.js';
import type { Message } from './messages.js';

/** What the model is about to see, and which of it is not in the ledger yet. */
export interface Conversation {
  messages: readonly Message[];
  newNodes: TranscriptNode[];
  /** Size of the messages as JSON. */
  chars: number;
  /** What guardrails have found in the input. */
  findings: GuardrailFinding[];
}

type Dependencies = Pick<ActivityDependencies, 'ledger' | 'transcripts'>;

/** @throws SegnoError `Agent.InvalidInput`, `Guardrail.Blocked`, `Deps.…` */
export async function loadConversation(
  dependencies: Dependencies,
  {
    name,
    agent,
    request,
    step,
    guard,
  }: { name: string; agent: AgentDefinition; request: CallModelRequest; step: StepIdentity; guard: Guard },
): Promise<Conversation> {
  if (request.head === undefined) {
    const deps = await loadDeps(dependencies, request.ctx, agent.deps, `agent ${name}`);
    const checked = await guard.input(parseInput(name, agent, request.input));
    if (checked.blocked !== undefined) throw blockedError(name, 'input', checked);
    const messages = firstMessages(agent, checked.value, deps);
    const { findings } = checked;
    return { messages, newNodes: chain(null, messages), chars: JSON.stringify(messages).length, findings };
  }
  const { tenant } = step;
  const before = await transcriptAt(dependencies, tenant, request.head);
  const append = request.append ?? [];
  const added = await Promise.all(append.map((sha256) => toolMessage(dependencies, tenant, sha256)));
  const nodes = chain(request.head, added).map((node, index): TranscriptNode => {
    const { hash, parent } = node;
    return { hash, parent, contentHash: append[index]! };
  });
  return {
    messages: [...before, ...added],
    newNodes: nodes,
    chars: JSON.stringify(before).length + JSON.stringify(added).length,
    findings: [],
  };
}

/** The messages up to `head`, from this worker's memory or from the ledger. */
export async function transcriptAt(
  { ledger, transcripts }: Dependencies,
  tenant: string,
  head: string,
): Promise<readonly Message[]> {
  const known = transcripts.get(tenant, head);
  if (known) return known;
  const messages = (await loadTranscript(ledger, { tenant, head })) as Message[];
  transcripts.put(tenant, head, messages, JSON.stringify(messages).length);
  return messages;
}

async function toolMessage({ ledger }: Dependencies, tenant: string, sha256: string): Promise<Message> {
  const { bytes } = await getBlob(ledger, { tenant, sha256 });
  const message = JSON.parse(Buffer.from(bytes).toString('utf8')) as Message;
  if (message.role !== 'tool') throw new SegnoError('Payload.Missing', `${sha256} is no tool message`);
  return message;
}

function chain(parent: string | null, messages: readonly Message[]): (TranscriptNode & { message: Message })[] {
  return messages.map((message) => {
    const node = { hash: hashMessage(parent, message), parent, message };
    parent = node.hash;
    return node;
  });
}
