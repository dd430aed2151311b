import { createHmac } from 'node:crypto';
import { PromptMarks } from '../../core/promptMarks.js';
import { type Ledger, ledgerSecret } from '../../ledger/index.js';
import type { StepIdentity } from '../dependencies.js';
import { keyAbove } from '../spans.js';
import type { AgentPrompt } from './agentPrompt.js';
import type { Message } from './messages.js';
import type { StreamedAnswer } from './streamAnswer.js';

/** Of the run's id alone the tools and the servers they call know too much: it is their idempotency key. */
const secretName = 'prompt-marks';

/**
 * The marks of agent calls, from the call's key and a secret of the ledger: the same for every turn, attempt and worker, and nothing to
 * store beside a transcript, which has what was said without any marks.
 */
export class ConversationMarks {
  private secret: Promise<string> | undefined;

  constructor(private readonly ledger: Ledger) {}

  /** @param step a turn of the agent call */
  async of({ key }: StepIdentity): Promise<PromptMarks> {
    this.secret ??= ledgerSecret(this.ledger, secretName);
    try {
      const hmac = createHmac('sha256', await this.secret).update(keyAbove(key, 1));
      return new PromptMarks(hmac.digest('hex').slice(0, 16));
    } catch (error) {
      this.secret = undefined;
      throw error;
    }
  }
}

/** The messages as the model gets them: tools' answers in marks, and the input when it is data. */
export function markedMessages(
  messages: readonly Message[],
  { inputIsData, tools }: Pick<AgentPrompt, 'inputIsData' | 'tools'>,
  marks: PromptMarks,
): readonly Message[] {
  const marksSome = inputIsData || tools.length > 0 || messages.some(({ role }) => role === 'tool');
  if (!marksSome) return messages;
  return messages.map((message, index): Message => {
    const { role, content } = message;
    if (typeof content !== 'string') return message;
    if (role === 'system') return { ...message, content: marks.instructions(content) };
    if (role === 'tool' || (inputIsData && index === 1)) return { ...message, content: marks.mark(content) };
    return message;
  });
}

/** The marks stay in the prompt: a tool that got them could not be told from its own answer. */
export function withoutEchoes(answer: StreamedAnswer, marks: PromptMarks): StreamedAnswer {
  return {
    ...answer,
    text: marks.withoutEchoes(answer.text),
    calls: answer.calls.map((call) => ({ ...call, arguments: marks.withoutEchoes(call.arguments) })),
  };
}
