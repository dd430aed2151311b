import { Context } from '@temporalio/activity';
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import { SegnoError } from '../../core/errors.js';
import { costPicoUsd } from '../../core/money.js';
import type { StepUsage, UpperBound } from '../../ledger/index.js';
import type { StepIdentity } from '../dependencies.js';
import { classifyModelError, costNothing } from './classify.js';
import { type CallableModel, defaultCallTimeoutMs, defaultMaxOutputTokens } from './modelClients.js';
import { type StreamedAnswer, streamAnswer, type TokenUsage } from './streamAnswer.js';

export function timeoutMsOf({ config }: CallableModel): number {
  return config.timeoutMs ?? defaultCallTimeoutMs;
}

/**
 * One try at the provider, and what it cost.
 *
 * Invariant: what may have reached the provider costs its upper bound until the provider has told its usage.
 */
export class ModelAttempt {
  readonly upperBound: UpperBound;
  private reported: TokenUsage | undefined;
  private sent = false;

  constructor(
    private readonly model: CallableModel,
    private readonly params: ChatCompletionCreateParamsStreaming,
  ) {
    this.upperBound = upperBoundOf(model, params);
  }

  /** @throws SegnoError `Model.…`; `Run.Cancelled`, retryably, when the activity is cancelled or its worker shuts down */
  async call({ key }: StepIdentity, agent: string, epoch: number): Promise<StreamedAnswer> {
    const { cancellationSignal } = Context.current();
    const timeoutMs = timeoutMsOf(this.model);
    const timeout = AbortSignal.timeout(timeoutMs);
    this.sent = true;
    try {
      return await streamAnswer(this.model.client, this.params, {
        signal: AbortSignal.any([cancellationSignal, timeout]),
        headers: { 'x-segno-agent': headerText(agent), 'x-client-request-id': headerText(`${key}#${epoch}`) },
        onUsage: (usage) => (this.reported = usage),
      });
    } catch (error) {
      this.sent = !costNothing(error);
      // Retryable, because a worker that shuts down cancels too, and another one goes on.
      if (cancellationSignal.aborted)
        throw new SegnoError('Run.Cancelled', 'the call was cancelled', { retryable: true });
      if (timeout.aborted) throw new SegnoError('Model.Timeout', `no complete answer within ${timeoutMs} ms`);
      throw classifyModelError(error, this.model.secrets);
    }
  }

  usage(): StepUsage {
    if (this.reported) return { ...this.reported, costPicoUsd: costOf(this.model, this.reported), estimated: false };
    if (this.sent) return { ...this.upperBound, cachedInputTokens: 0, estimated: true };
    return { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, costPicoUsd: 0n, estimated: false };
  }
}

/** A token is at least one byte of UTF-8, so the request's bytes bound its tokens from above. */
function upperBoundOf(model: CallableModel, params: ChatCompletionCreateParamsStreaming): UpperBound {
  const inputTokens = Buffer.byteLength(
    JSON.stringify([params.messages, params.tools ?? [], params.response_format ?? null]),
  );
  const outputTokens = params.max_completion_tokens ?? params.max_tokens ?? defaultMaxOutputTokens;
  return { inputTokens, outputTokens, costPicoUsd: costOf(model, { inputTokens, outputTokens, cachedInputTokens: 0 }) };
}

function costOf({ config: { price } }: CallableModel, usage: TokenUsage): bigint {
  return price ? costPicoUsd(usage, price) : 0n;
}

/** Branches may be named in any script, headers may not. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '_').slice(0, 512);
}
