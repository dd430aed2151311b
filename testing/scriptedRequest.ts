import type { ModelRequest } from '../workers/offlineModel/types.js';
import type { WireCall } from '../workers/offlineModel/wire/reply.js';

/** A call as the scripted model saw it. */
export interface RecordedRequest extends ModelRequest {
  /** From 1, in order of arrival. */
  readonly ordinal: number;
  /** The header `x-segno-agent`. */
  readonly agent: string | undefined;
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens: number | undefined;
  /** Lower-case names; without `authorization`. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as it came over the wire. */
  readonly body: unknown;
}

export const agentHeader = 'x-segno-agent';

export function recordRequest(call: WireCall): RecordedRequest {
  return {
    ...call.request,
    ordinal: call.ordinal,
    agent: call.headers[agentHeader],
    model: call.model,
    stream: call.stream,
    maxTokens: call.maxTokens,
    headers: call.headers,
    body: call.body,
  };
}

const excerptLength = 80;

/** One line for error messages: who called, with what as the last word. */
export function describeRequest(request: RecordedRequest): string {
  const last = request.messages.at(-1);
  const content = JSON.stringify(last?.content ?? '');
  const excerpt = content.length > excerptLength ? `${content.slice(0, excerptLength)}…` : content;
  const agent = request.agent === undefined ? '' : ` by agent '${request.agent}'`;
  return `call ${request.ordinal}${agent}: ${last?.role ?? 'nothing'} says ${excerpt}`;
}
