export { SegnoClient, type ConnectOptions, type Run, type StartOptions } from './segnoClient.js';
export type { RunDetails, RunStatus, RunStep, RunSummary, Usage } from './runs.js';
export type { DecideOptions, WaitingApproval } from './approvals.js';
export type { ResolveOptions, UnknownEffect } from './resolveOutcome.js';
export type { OutcomeAnswer } from '../core/outcome.js';
export type { Decision } from '../core/approval.js';
export type { RunningPattern } from '../core/patternLines.js';
export { SegnoError, type ErrorType } from '../core/errors.js';
export type { DocumentRef } from '../core/document.js';
