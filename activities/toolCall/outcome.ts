import type { RunToolResult } from '../../core/contracts.js';
import type { ErrorType } from '../../core/errors.js';
import type { GuardrailFinding } from '../../core/guardrails.js';

/** What a tool call came to: for the workflow its value, for an agent the message that its model will read. */
export interface Outcome {
  result: RunToolResult;
  blobs: { sha256: string; bytes: Uint8Array; mediaType: string }[];
  /** What the tool failed with, when the model is told of it: the step is done all the same. */
  error?: ErrorType;
  /** Of guardrails, in what went in and came out. */
  findings?: readonly GuardrailFinding[];
}

/** What the end of a tool's code, a value or what it has thrown, comes to. */
export type Conclude = (end: () => Promise<unknown>) => Promise<Outcome>;
