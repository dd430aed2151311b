/**
 * Every failure Segno can report, by its dotted type.
 *
 * Invariants:
 * 1. A type never changes its meaning: it stands in recorded histories and in users' `catch` blocks.
 * 2. `retryable` is about the same attempt made again: true means it may succeed without anybody changing anything.
 * 3. `httpStatus` is what the HTTP API answers with; it has nothing to do with a provider's status.
 */
export interface ErrorKind {
  readonly retryable: boolean;
  readonly httpStatus: number;
  /** What happened and what to do next, in one sentence each. */
  readonly help: string;
}

const kind = (retryable: boolean, httpStatus: number, help: string): ErrorKind => ({ retryable, httpStatus, help });

export const errorKinds = {
  // agents
  'Agent.Unknown': kind(
    false,
    404,
    'The worker has no agent of that name. Export it from an agents module named in segno.config.ts.',
  ),
  'Agent.InvalidInput': kind(
    false,
    400,
    'The input does not match the agent’s input schema. Correct the fields named in the message.',
  ),
  'Agent.TurnLimit': kind(
    false,
    422,
    'The agent used all its turns without an answer. Raise maxTurns, or narrow its instructions and tools.',
  ),
  'Agent.DeadlineExceeded': kind(
    false,
    504,
    'The agent call did not finish within its timeout. Raise timeout, or look at `segno show RUN` for what it waited for.',
  ),
  // models
  'Model.Unknown': kind(false, 400, 'No model alias of that name. Add it under models in segno.config.ts.'),
  'Model.BadRequest': kind(
    false,
    400,
    'The provider refused the request as malformed (400). The message says which part.',
  ),
  'Model.Unauthorized': kind(
    false,
    401,
    'The provider refused the API key (401). Check the variable named by apiKeyEnv.',
  ),
  'Model.Forbidden': kind(false, 403, 'The API key may not use this model (403). Check the account’s permissions.'),
  'Model.NotFound': kind(false, 404, 'The provider knows no such model or path (404). Check model and baseURL.'),
  'Model.Timeout': kind(true, 504, 'The provider did not answer in time (408 or our own limit). It is tried again.'),
  'Model.Conflict': kind(true, 409, 'The provider reported a conflict (409). It is tried again.'),
  'Model.TooLarge': kind(
    false,
    413,
    'The request is larger than the provider accepts (413, or the context window). Send less.',
  ),
  'Model.Unprocessable': kind(false, 422, 'The provider could not process the request (422). The message says why.'),
  'Model.RateLimited': kind(
    true,
    429,
    'The provider’s rate limit is reached (429). It is tried again when the provider says.',
  ),
  'Model.QuotaExceeded': kind(false, 402, 'The account’s quota is used up. Raise it at the provider.'),
  'Model.ServerError': kind(true, 502, 'The provider failed (5xx). It is tried again.'),
  'Model.Unreachable': kind(
    true,
    502,
    'No connection to the provider. Check baseURL and the network; it is tried again.',
  ),
  'Model.StreamBroken': kind(
    true,
    502,
    'The provider’s stream ended before the answer was complete. It is tried again.',
  ),
  'Model.BadResponse': kind(true, 502, 'The provider’s answer could not be read. It is tried again.'),
  'Model.Refused': kind(false, 422, 'The model refused to answer. The message carries its reason.'),
  'Model.LengthLimit': kind(
    false,
    422,
    'The answer was cut at the output limit. Raise maxOutputTokens or ask for less.',
  ),
  'Model.ContentFiltered': kind(false, 422, 'The provider’s content filter stopped the answer.'),
  'Model.InvalidOutput': kind(
    false,
    422,
    'The answer did not match the output schema, even after the model was told why.',
  ),
  // guardrails
  'Guardrail.Blocked': kind(
    false,
    422,
    'A guardrail blocked what went into, or came out of, an agent or a tool. The message names the rule and the place; `segno show RUN` shows it at its step.',
  ),
  // the gate
  'Admission.Waiting': kind(
    true,
    503,
    'The call waits its turn: at a limit, for a provider that is down, or for calls under way to give back budget. `segno providers` shows the queues.',
  ),
  'Budget.Exceeded': kind(
    false,
    402,
    'What is left of the budget is less than the call may cost. `segno budgets RUN` shows who spent it; raise it, or let the agent use a cheaper model.',
  ),
  'Budget.Unknown': kind(
    false,
    404,
    'No budget has that key. `segno budgets` lists them; one begins with its first call.',
  ),
  'Budget.Unpriced': kind(
    false,
    400,
    'A budget or a limit in USD is set, and the model has no price. Give its price under models in segno.config.ts.',
  ),
  // tools
  'Tool.Unknown': kind(
    false,
    404,
    'The worker has no tool of that name. Export it from a tools module named in segno.config.ts.',
  ),
  'Tool.InvalidInput': kind(false, 400, 'The arguments do not match the tool’s input schema.'),
  'Tool.InvalidOutput': kind(
    false,
    500,
    'The tool returned something its output schema does not allow. Correct the tool.',
  ),
  'Tool.Failed': kind(
    true,
    500,
    'The tool threw. Idempotent tools are tried again; others only when they throw with retryable: true.',
  ),
  'Tool.OutcomeUnknown': kind(
    false,
    409,
    'The tool was started and its outcome was lost, and it is not idempotent: check the outside system, say what became of it with `segno resolve`, then `segno retry`.',
  ),
  'Tool.Refused': kind(
    false,
    422,
    'The server that the tool called refused the request (4xx). The message carries its answer.',
  ),
  'Tool.RateLimited': kind(
    true,
    429,
    'The server that the tool called has too many requests (429). Idempotent tools are tried again when it says.',
  ),
  'Tool.Unavailable': kind(
    true,
    502,
    'The server that the tool called failed (5xx) or could not be reached. Idempotent tools are tried again.',
  ),
  'Tool.DeadlineExceeded': kind(false, 504, 'The tool did not finish within its timeout.'),
  // steps
  'Step.Unknown': kind(
    false,
    404,
    'The run has no step of that path whose outcome is unknown. The message lists those it has.',
  ),
  'Step.Mismatch': kind(
    false,
    409,
    'A step with this key was recorded with other input or another definition. The workflow is not deterministic, or was changed without patched().',
  ),
  'Step.Fenced': kind(false, 409, 'A newer attempt of this step has taken over; this one’s result is discarded.'),
  'Step.Busy': kind(
    true,
    409,
    'Another attempt of this step may still be running. It is tried again when that attempt’s lease ends.',
  ),
  'Step.DeadlineExceeded': kind(false, 504, 'A step of a pattern, or the pattern, did not finish within its timeout.'),
  'Step.Cancelled': kind(false, 409, 'The pattern no longer needed this step and cancelled it.'),
  'Step.Skipped': kind(
    false,
    424,
    'The step was not started: a step it depends on failed, or its condition was false.',
  ),
  // patterns
  'Pattern.InvalidSteps': kind(
    false,
    400,
    'The steps given to a pattern do not fit together (missing, duplicate or cyclic names). Nothing has run.',
  ),
  'Pattern.TooFew': kind(
    false,
    424,
    'Fewer steps of a pattern succeeded than it needs. The message names the failed ones.',
  ),
  'Pattern.RoundLimit': kind(
    false,
    422,
    'A loop was not done after its last round. Raise `maxRounds`, or end it earlier.',
  ),
  // decisions
  'Decision.Impossible': kind(
    false,
    422,
    'There is no decision for what was given: a condition cannot be evaluated, several rules match where one may, or a value is missing. The message says which.',
  ),
  'Decision.InvalidVote': kind(
    false,
    422,
    'A voter gave something that is no vote: an option there is not, or no confidence where one is needed.',
  ),
  'Peer.InvalidReply': kind(
    false,
    422,
    'A peer gave no reply that can be used, however often it was asked. The message says what was wrong with each.',
  ),
  // plans
  'Plan.Invalid': kind(false, 400, 'The plan is not valid. The message gives the path of each fault in the document.'),
  'Plan.MissingValue': kind(
    false,
    422,
    'A reference of the plan led to nothing: the step it names did not run, or gave no such field. Give it a `default`, or correct it.',
  ),
  'Plan.TooLarge': kind(
    false,
    413,
    'A value of the plan is larger than a run carries from step to step. The message says which, and what to do.',
  ),
  'Plan.Unknown': kind(false, 404, 'There is no plan of that name. The message lists the known ones.'),
  // approvals
  'Approval.Rejected': kind(false, 403, 'A person decided against the step that asked for approval.'),
  'Approval.Expired': kind(false, 504, 'Nobody decided before the deadline of the approval.'),
  'Approval.Unknown': kind(
    false,
    404,
    'The run waits for no approval of that name. The message lists those it waits for.',
  ),
  'Approval.AlreadyDecided': kind(false, 409, 'Somebody has decided before, and the first decision stands.'),
  'Approval.InvalidDecision': kind(
    false,
    400,
    'The decision is not one the approval takes. The message says what is wrong; it still waits.',
  ),
  'Approval.Undelivered': kind(
    true,
    503,
    'No worker took the decision in time; one may still take it. Give it again: the same decision counts once.',
  ),
  // events
  'Event.Expired': kind(false, 504, 'The event did not come before the deadline of who waited for it.'),
  'Event.Refused': kind(
    false,
    400,
    'The run does not take the event: it has ended, keeps too many already, or waits for other data. The message says which.',
  ),
  'Event.Undelivered': kind(
    true,
    503,
    'No worker took the event in time; one may still take it. Send it again under its id: it counts once.',
  ),
  // documents
  'Document.Missing': kind(false, 404, 'No document is stored under that hash.'),
  'Document.Unsupported': kind(false, 415, 'The file is not a kind of document this tool reads.'),
  'Document.Corrupt': kind(false, 422, 'The file is damaged and cannot be read.'),
  'Document.Encrypted': kind(false, 422, 'The file is protected with a password. Remove the protection first.'),
  'Document.Scanned': kind(
    false,
    422,
    'The file holds pictures of pages and no text. Run text recognition (OCR) over it first.',
  ),
  'Document.Empty': kind(false, 422, 'The file holds no text.'),
  'Document.TooLarge': kind(false, 413, 'The file is over the size or page limit.'),
  // mail
  'Mail.Rejected': kind(false, 422, 'The mail server refused the message. The message says why.'),
  'Mail.Unavailable': kind(true, 502, 'The mail server could not be reached or was busy. It is tried again.'),
  // runs
  'Run.Unknown': kind(false, 404, 'There is no such run. `segno runs` lists the runs.'),
  'Run.Conflict': kind(
    false,
    409,
    'A run with this id is still in progress with other input. Wait for it, cancel it, or choose another id.',
  ),
  'Run.Dropped': kind(
    true,
    409,
    'The run was not started: as many runs of its concurrency key as may be at a time are in progress. Start it later, or with onLimit queue.',
  ),
  'Run.Failed': kind(false, 500, 'The workflow ended with a failure of its own. The message says which.'),
  'Run.Cancelled': kind(false, 409, 'The run was cancelled.'),
  'Run.TimedOut': kind(false, 504, 'The run did not finish within its time limit.'),
  'Run.Terminated': kind(false, 409, 'The run was terminated by an operator.'),
  'Run.InvalidInput': kind(false, 400, 'The input is not what the workflow takes.'),
  'Workflow.Unknown': kind(false, 404, 'There is no workflow of that name. The message lists the known ones.'),
  // platform
  'Deps.Missing': kind(
    false,
    400,
    'The agent or tool needs dependencies that were not given when the run was started: --deps, or deps of the client’s start.',
  ),
  'Deps.Invalid': kind(false, 400, 'The dependencies of the run do not match the schema.'),
  'Ledger.Unavailable': kind(true, 503, 'The ledger’s database cannot be reached. Work goes on when it is back.'),
  'Ledger.Incompatible': kind(false, 503, 'The ledger was migrated by a newer version of Segno. Update this one.'),
  'Payload.Missing': kind(
    false,
    500,
    'A large payload is no longer in the ledger. Keep the ledger as long as the namespace’s retention.',
  ),
  'Config.Invalid': kind(false, 400, 'segno.config.ts is not valid. The message says where.'),
  'Config.Missing': kind(
    false,
    400,
    'There is no segno.config.ts here. Run in a project’s folder, or name it with --config.',
  ),
  'Example.Unknown': kind(false, 404, 'There is no example of that name. `segno examples` lists them.'),
  'Project.NotEmpty': kind(
    false,
    409,
    'A new project is never written over files. Name a folder that is new or empty.',
  ),
  'Stack.Held': kind(false, 409, 'Another `segno dev` already runs in this folder.'),
  'Stack.StartFailed': kind(
    false,
    503,
    'A part of the embedded stack did not start or died too often. The message names it and its log.',
  ),
  'Stack.NotRunning': kind(
    false,
    503,
    'Nothing is running here. Start `segno dev`, or set TEMPORAL_ADDRESS and DATABASE_URL.',
  ),
  'Chaos.Refused': kind(
    false,
    409,
    'Faults are injected into an embedded development stack with the offline model, and into nothing else. The message says what is in the way.',
  ),
  'Temporal.Unavailable': kind(true, 503, 'The Temporal server cannot be reached.'),
  'Temporal.NotFound': kind(
    false,
    503,
    'No Temporal server binary could be found, downloaded or built. The message names the ways out.',
  ),
} as const satisfies Record<string, ErrorKind>;

export type ErrorType = keyof typeof errorKinds;

export interface SegnoErrorOptions {
  /** Overrides the registry, for example a tool that knows that nothing happened. */
  retryable?: boolean;
  /** How long to wait before the next attempt, when somebody (a provider) said so. */
  retryAfterMs?: number;
  /** Small JSON for programs: never a secret, never the content of a prompt. */
  details?: Record<string, unknown>;
  cause?: unknown;
}

/**
 * A failure of a registered type. Thrown by activities, client and CLI; the activity boundary turns it into Temporal's
 * `ApplicationFailure` with the same type. Workflow code throws through `fail()` of `segno/workflow` instead.
 */
export class SegnoError extends Error {
  override readonly name = 'SegnoError';
  readonly type: ErrorType;
  readonly retryable: boolean;
  /** Whoever threw this said itself that trying again is safe, instead of leaving it to the registry. */
  readonly saidRetryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly details: Record<string, unknown> | undefined;

  /** Two copies of this package in one process (its source and its build, two versions) know each other's errors. */
  static override [Symbol.hasInstance](value: unknown): value is SegnoError {
    if (!(value instanceof Error) || value.name !== 'SegnoError') return false;
    return isErrorType((value as { type?: string }).type);
  }

  constructor(type: ErrorType, message: string, options: SegnoErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.type = type;
    this.retryable = options.retryable ?? errorKinds[type].retryable;
    this.saidRetryable = options.retryable === true;
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details;
  }
}

export function isErrorType(type: string | null | undefined): type is ErrorType {
  return type != null && Object.hasOwn(errorKinds, type);
}
