import type { z } from 'zod';
import type { DocumentRef } from './document.js';
import type { Guardrails, GuardrailsOptions } from './guardrails.js';

/** Reads and writes documents by content; see {@link DocumentRef}. */
export interface DocumentStore {
  /** @throws SegnoError `Document.Missing` */
  read(ref: Pick<DocumentRef, 'sha256'>): Promise<Uint8Array>;
  write(bytes: Uint8Array, mediaType: string, name?: string): Promise<DocumentRef>;
}

/** What a tool's `reconcile` says of a call whose outcome was lost. */
export type Reconciled<Output = unknown> =
  | { status: 'done'; output: Output }
  /** It did not take effect and will not any more: it is called again, under the same key. */
  | { status: 'notDone' }
  | { status: 'unknown' };

/** What a tool gets beside its arguments. */
export interface ToolContext<Deps = unknown> {
  /** The same for every attempt, worker and replay of this call: hand it to the outside system. */
  readonly idempotencyKey: string;
  /** Aborted when the run is cancelled, the timeout is reached, or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Tell that a long tool is alive. Called for you every few seconds; call it with details to show progress. */
  heartbeat(details?: unknown): void;
  /** The run's dependencies, checked against the tool's `deps` schema. */
  readonly deps: Deps;
  readonly documents: DocumentStore;
  /**
   * As the global one, with this call's signal and, on requests that may change something, its `Idempotency-Key`. An answer that is
   * not 2xx is thrown: `Tool.Refused`, or `Tool.RateLimited` and `Tool.Unavailable`, which are tried again where that is safe.
   */
  readonly fetch: typeof fetch;
  /** Where traces are sent: the span of this call, for the header of that name. */
  readonly traceparent?: string;
}

export interface ToolOptions<Input extends z.ZodType, Output extends z.ZodType, Deps extends z.ZodType> {
  /** What it does and when to use it; models read this. */
  description: string;
  input: Input;
  output: Output;
  /** Dependencies this tool needs from the run, for example the acting user's id. */
  deps?: Deps;
  /** Changes nothing outside (as MCP's readOnlyHint): may run any number of times. Default false. */
  readOnly?: boolean;
  /** Calling again with the same `idempotencyKey` changes nothing more (as MCP's idempotentHint). Default: `readOnly`. */
  idempotent?: boolean;
  /** `quick` takes at most 500 ms and runs inside the workflow task; `long` is anything else. Default `long`. */
  duration?: 'quick' | 'long';
  /** Limit of one attempt in milliseconds. Default 60,000; at most 500 for quick tools. */
  timeoutMs?: number;
  /**
   * Asks the outside system what became of a call whose outcome was lost: its worker died, or it ran into its time limit. For tools
   * that are neither `readOnly` nor `idempotent`. Called within the limit of one attempt, and again when it throws retryably.
   */
  reconcile?(
    input: z.output<Input>,
    context: ToolContext<z.output<Deps>>,
  ): Promise<Reconciled<z.input<Output>>> | Reconciled<z.input<Output>>;
  /**
   * What becomes of such a call when nobody knows: `fail` with `Tool.OutcomeUnknown`, `ask` a person and wait for the answer, or
   * `repeat` it. Default `fail`.
   */
  onUnknown?: 'fail' | 'ask' | 'repeat';
  /**
   * Takes the effect back when a `saga` around the call fails. It is called again, under an `idempotencyKey` of its own, until it
   * succeeds: a second call under that key must change nothing more.
   */
  compensate?(
    input: z.output<Input>,
    output: z.output<Output>,
    context: ToolContext<z.output<Deps>>,
  ): Promise<void> | void;
  /** Rules for its arguments and its result, after those of segno.config.ts; see docs/guardrails.md. */
  guardrails?: GuardrailsOptions;
  execute(input: z.output<Input>, context: ToolContext<z.output<Deps>>): Promise<z.input<Output>> | z.input<Output>;
}

export interface ToolDefinition<
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Deps extends z.ZodType = z.ZodType,
> extends ToolOptions<Input, Output, Deps> {
  readonly kind: 'tool';
  guardrails?: Guardrails;
}
