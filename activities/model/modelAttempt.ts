import { Context } from '@temporalio/activity';
import { APIError } from 'openai';
import type { ChatCompletionCreateParamsStreaming } from 'openai/resources/chat/completions';
import type { Settlement } from '../../core/admission/admission.js';
import type { CallHealth } from '../../core/admission/breaker.js';
import { SegnoError } from '../../core/errors.js';
import { costPicoUsd } from '../../core/money.js';
import type { StepUsage, UpperBound } from '../../ledger/index.js';
import type { StepIdentity } from '../dependencies.js';
import { classifyModelError, costNothing, isOutage, neverLeft, remainingOf } from './classify.js';
import { type CallableModel, defaultCallTimeoutMs } from './modelClients.js';
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
  private reported: TokenUsage | undefined;
  private sent = false;
  private left = false;
  private startedMs = 0;
  private headers: Headers | undefined;
  private failure: SegnoError | undefined;

  /**
   * @param upperBound what the gate has admitted
   * @param leftMs until the wall time of its budgets is over
   */
  constructor(
    private readonly model: CallableModel,
    private readonly params: ChatCompletionCreateParamsStreaming,
    private readonly upperBound: UpperBound,
    private readonly leftMs = Number.POSITIVE_INFINITY,
  ) {}

  /**
   * @throws SegnoError `Model.…`; retryably, `Budget.Exceeded` when the time of its budget is over, which the gate then judges, and
   *   `Run.Cancelled` when the activity is cancelled or its worker shuts down
   */
  async call({ key }: StepIdentity, agent: string, epoch: number): Promise<StreamedAnswer> {
    const { cancellationSignal } = Context.current();
    const timeoutMs = timeoutMsOf(this.model);
    const timeout = AbortSignal.timeout(Math.min(timeoutMs, Math.max(1, this.leftMs)));
    this.sent = true;
    this.left = true;
    this.startedMs = performance.now();
    try {
      return await streamAnswer(this.model.client, this.params, {
        signal: AbortSignal.any([cancellationSignal, timeout]),
        headers: { 'x-segno-agent': headerText(agent), 'x-client-request-id': headerText(`${key}#${epoch}`) },
        onHeaders: (headers) => (this.headers = headers),
        onUsage: (usage) => (this.reported = usage),
      });
    } catch (error) {
      this.sent = !costNothing(error);
      this.left = !neverLeft(error);
      if (error instanceof APIError && error.headers) this.headers = error.headers;
      this.failure = cancellationSignal.aborted
        ? // Retryable, because a worker that shuts down cancels too, and another one goes on.
          new SegnoError('Run.Cancelled', 'the call was cancelled', { retryable: true })
        : timeout.aborted
          ? this.timeoutFailure(timeoutMs)
          : classifyModelError(error, this.model.secrets);
      throw this.failure;
    }
  }

  /** What the provider reports is taken as far as it can be true: it was told how much it may write, and got no more than it was sent. */
  usage(): StepUsage {
    if (this.reported) {
      const { inputTokens, outputTokens, cachedInputTokens } = this.reported;
      const usage = {
        inputTokens: Math.min(inputTokens, this.upperBound.inputTokens),
        outputTokens: Math.min(outputTokens, this.upperBound.outputTokens),
        cachedInputTokens: Math.min(cachedInputTokens, this.upperBound.inputTokens),
      };
      const estimated = usage.inputTokens < inputTokens || usage.outputTokens < outputTokens;
      return { ...usage, costPicoUsd: costOf(this.model, usage), estimated };
    }
    if (this.sent) return { ...this.upperBound, cachedInputTokens: 0, estimated: true };
    return { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, costPicoUsd: 0n, estimated: false };
  }

  /** Whether it was cut off because the wall time of a budget was over. */
  get outOfTime(): boolean {
    return this.failure?.type === 'Budget.Exceeded';
  }

  /** For the gate. */
  settlement(): Settlement {
    const { inputTokens, outputTokens, costPicoUsd } = this.usage();
    return {
      used: { calls: this.left ? 1 : 0, tokens: inputTokens + outputTokens, costPicoUsd },
      health: this.health(),
      durationMs: Math.round(performance.now() - this.startedMs),
      ...(this.failure && { fault: this.failure.type, pauseMs: this.failure.retryAfterMs }),
      remaining: remainingOf(this.headers),
    };
  }

  private timeoutFailure(timeoutMs: number): SegnoError {
    return this.leftMs < timeoutMs
      ? new SegnoError('Budget.Exceeded', 'the time of its budget was over before the answer', { retryable: true })
      : new SegnoError('Model.Timeout', `no complete answer within ${timeoutMs} ms`);
  }

  private health(): CallHealth {
    if (!this.failure) return 'good';
    return isOutage(this.failure.type) ? 'fault' : 'neutral';
  }
}

export function costOf({ config: { price } }: CallableModel, usage: TokenUsage): bigint {
  return price ? costPicoUsd(usage, price) : 0n;
}

/** Branches may be named in any script, headers may not. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '_').slice(0, 512);
}
