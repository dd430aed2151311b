import type { ChatCompletionMessageParam } from 'openai/resources/chat/completions';

/** A message as it stands in a transcript: the chat completions wire's own shape. */
export type Message = ChatCompletionMessageParam;

/** One tool call of an assistant's message. */
export interface RequestedCall {
  id: string;
  name: string;
  /** As the model wrote them: perhaps no JSON at all. */
  arguments: string;
}

export function assistantMessage(text: string, calls: readonly RequestedCall[]): Message {
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(calls.length > 0 && {
      tool_calls: calls.map((call) => ({
        id: call.id,
        type: 'function' as const,
        function: { name: call.name, arguments: call.arguments },
      })),
    }),
  };
}

export function requestedCalls(message: Message): RequestedCall[] {
  if (message.role !== 'assistant') return [];
  return (message.tool_calls ?? []).flatMap((call) =>
    call.type === 'function' ? [{ id: call.id, name: call.function.name, arguments: call.function.arguments }] : [],
  );
}
