import type { WireMessage } from './chatRequestSchema.js';

export interface ConversationProblem {
  readonly message: string;
  readonly param: string;
}

/**
 * The order OpenAI demands: an assistant's tool calls are followed at once by one tool message for each, and a tool message
 * stands nowhere else. A transcript that lost or doubled a tool result is found by it.
 */
export function findConversationProblem(messages: readonly WireMessage[]): ConversationProblem | undefined {
  let open = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const param = `messages[${index}]`;
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id)) {
        return {
          message: `A message with role 'tool' must answer a call of the assistant message before it; '${message.tool_call_id}' is none, or is answered already.`,
          param: `${param}.tool_call_id`,
        };
      }
      continue;
    }
    if (open.size > 0) return unanswered(open, param);
    if (message.role === 'assistant') {
      open = new Set(message.tool_calls?.map((call) => call.id));
      if (open.size < (message.tool_calls?.length ?? 0)) {
        return { message: 'Two tool calls have the same id.', param: `${param}.tool_calls` };
      }
      if (message.content == null && message.refusal == null && open.size === 0) {
        return { message: 'An assistant message needs content, a refusal or tool calls.', param: `${param}.content` };
      }
    }
  }
  return open.size > 0 ? unanswered(open, `messages[${messages.length - 1}]`) : undefined;
}

function unanswered(open: ReadonlySet<string>, param: string): ConversationProblem {
  const ids = [...open].join(', ');
  return {
    message: `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`,
    param,
  };
}
