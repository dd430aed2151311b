import { randomBytes, randomUUID } from 'node:crypto';
import {
  Client,
  Connection,
  type ConnectionOptions,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { optionalTsToMs } from '@temporalio/common/lib/time.js';
import { type BudgetAmounts, budgetSchema } from '../core/admission/settings.js';
import type { Decision } from '../core/approval.js';
import { defaultTaskQueue, memoKey, type RunMemo, workflowTaskTimeoutMs } from '../core/contracts.js';
import type { DocumentRef } from '../core/document.js';
import type { EventReceipt } from '../core/event.js';
import { SegnoError } from '../core/errors.js';
import { describeIssues } from '../core/schema.js';
import { formatTraceparent, parseTraceparent } from '../core/trace.js';
import {
  ClaimCheckCodec,
  type CostQuery,
  type Costs,
  costsBy,
  type GateState,
  getBlob,
  hashJson,
  inheritSteps,
  type Ledger,
  ledgerBlobStore,
  type EffectRecord,
  listEffects,
  listGates,
  openLedger,
  PlaceKeeper,
  putBlob,
} from '../ledger/index.js';
import { decideApproval, type DecideOptions, listApprovals, type WaitingApproval } from './approvals.js';
import {
  type BudgetDetails,
  type BudgetQuery,
  describeBudgets,
  raiseAndWake,
  type RaisedBudget,
  type RaiseOptions,
} from './budgets.js';
import { type Concurrency, isDropped, placeFor, startInPlace } from './concurrency.js';
import { decodeInput } from './decodeInput.js';
import { listUnknown, resolveOutcome, type ResolveOptions, type UnknownEffect } from './resolveOutcome.js';
import { type EventOptions, sendEvent } from './events.js';
import { runFailure } from './runFailure.js';
import { checkedPriority, temporalPriority } from './priority.js';
import { type Stats, statsSince } from './stats.js';
import { describeRun, type RunDetails, type RunSummary, listRuns, underWay } from './runs.js';

const tenant = 'default';

export interface ConnectOptions {
  /** Address, TLS and API key of the Temporal server. */
  temporal: ConnectionOptions;
  namespace?: string;
  /** `postgres://…`, or a ledger that is open already (which `close` leaves open). */
  ledger: string | Ledger;
  taskQueue?: string;
}

export interface StartOptions {
  /** The run's id. Default: the workflow's name and a random part. */
  id?: string;
  /** What tools and prompts need of this run, for example the acting user's id; checked where it is used. */
  deps?: unknown;
  /** Limit of the whole run in milliseconds. Default: none. */
  timeoutMs?: number;
  /** What the run may spend, with all its child workflows and retries. */
  budget?: BudgetAmounts;
  /** 1 (first) to 5, where the run’s tasks, and its model calls at the gate, wait for those of others. Default 3. */
  priority?: number;
  /** Runs of one key, at most so many at a time. */
  concurrency?: Concurrency;
  /** The span it is started in, in W3C's form: the run is traced under it. */
  traceparent?: string;
}

type BeginOptions = Pick<
  WorkflowStartOptions,
  'taskQueue' | 'args' | 'workflowIdReusePolicy' | 'workflowExecutionTimeout'
>;

type WorkflowFunction = (input: never) => Promise<unknown>;

/** A run that was started or found. */
export interface Run<Result = unknown> {
  readonly id: string;
  /** Temporal's run id. */
  readonly runId: string;
  /** It was in progress already, with the same input. */
  readonly attached: boolean;
  /** @throws SegnoError of the type the run failed with, or `Run.Cancelled`, `Run.TimedOut`, `Run.Terminated` */
  result(): Promise<Result>;
  cancel(): Promise<void>;
}

/** Starts, watches and cancels runs. */
export class SegnoClient {
  private readonly places: PlaceKeeper;

  private constructor(
    readonly temporal: Client,
    readonly ledger: Ledger,
    private readonly taskQueue: string,
    private readonly ownsLedger: boolean,
  ) {
    this.places = new PlaceKeeper(ledger, temporal);
  }

  /** @throws SegnoError `Temporal.Unavailable`, `Ledger.Unavailable` */
  static async connect({
    temporal,
    namespace = 'default',
    ledger,
    taskQueue = defaultTaskQueue,
  }: ConnectOptions): Promise<SegnoClient> {
    const opened =
      typeof ledger === 'string' ? await openLedger({ connectionString: ledger, maxConnections: 4 }) : ledger;
    const ownsLedger = typeof ledger === 'string';
    try {
      const connection = await Connection.connect(temporal);
      const dataConverter = { payloadCodecs: [new ClaimCheckCodec(ledgerBlobStore(opened, tenant))] };
      return new SegnoClient(new Client({ connection, namespace, dataConverter }), opened, taskQueue, ownsLedger);
    } catch (error) {
      if (ownsLedger) await opened.close();
      const reason = error instanceof Error ? error.message : String(error);
      throw new SegnoError(
        'Temporal.Unavailable',
        `no connection to Temporal at ${temporal.address ?? 'localhost:7233'}: ${reason}`,
      );
    }
  }

  async close(): Promise<void> {
    await this.temporal.connection.close();
    if (this.ownsLedger) await this.ledger.close();
  }

  /**
   * Start a run. With an id that is in progress and the same input, attach to it instead: so a caller that was killed may
   * call again.
   *
   * @throws SegnoError `Run.Conflict` when that id is in progress with other input; `Run.Dropped` where `concurrency` says so
   */
  start<W extends WorkflowFunction>(
    workflow: W,
    input: Parameters<W>[0],
    options?: StartOptions,
  ): Promise<Run<Awaited<ReturnType<W>>>>;
  start<Result = unknown>(workflow: string, input: unknown, options?: StartOptions): Promise<Run<Result>>;
  async start(workflow: string | WorkflowFunction, input: unknown, options: StartOptions = {}): Promise<Run> {
    const type = typeof workflow === 'string' ? workflow : workflow.name;
    const id = options.id ?? `${type}-${randomBytes(5).toString('hex')}`;
    const deps = options.deps === undefined ? undefined : await this.storeJson(id, options.deps);
    // A header of others' making: one that is none is passed over, as W3C says.
    const trace = options.traceparent === undefined ? undefined : parseTraceparent(options.traceparent);
    const memo: RunMemo = {
      inputHash: hashJson([type, input ?? null, deps ?? null]),
      ...(deps !== undefined && { deps }),
      ...(options.budget && { budgets: [{ ...checkedBudget(options.budget), key: `run/${randomUUID()}` }] }),
      ...(options.priority !== undefined && { priority: checkedPriority(options.priority) }),
      ...(options.concurrency && { place: placeFor(options.concurrency) }),
      ...(trace && { trace: formatTraceparent(trace) }),
    };
    try {
      return await this.begin(type, id, memo, {
        taskQueue: this.taskQueue,
        args: [input],
        ...(options.timeoutMs !== undefined && { workflowExecutionTimeout: options.timeoutMs }),
      });
    } catch (error) {
      const inProgress =
        error instanceof WorkflowExecutionAlreadyStartedError ||
        (isDropped(error) && options.id !== undefined && (await this.isRunning(id)));
      if (!inProgress) throw error;
      return this.attach(id, memo);
    }
  }

  /**
   * Retry a run that ended without a result: a new run with the same id, input and time limit, which reuses every finished step whose
   * path, input and definition are unchanged.
   *
   * @throws SegnoError `Run.Unknown`, `Run.Conflict` when it is in progress or has completed
   */
  async retry(id: string): Promise<Run> {
    const { description } = await this.describe(id);
    const status = description.status.name;
    if (status === 'RUNNING' || status === 'COMPLETED') {
      throw new SegnoError(
        'Run.Conflict',
        `the run ${id} is ${status.toLowerCase()}; only a run that ended without a result is retried`,
      );
    }
    const { events } = await this.temporal.workflow.getHandle(id, description.runId).fetchHistory();
    const started = events?.[0]?.workflowExecutionStartedEventAttributes;
    const args = await decodeInput(started?.input?.payloads ?? [], this.temporal.options.loadedDataConverter);
    const before = description.memo?.[memoKey] as RunMemo | undefined;
    if (before?.predecessor !== undefined) {
      const { runId } = description;
      await inheritSteps(this.ledger, { tenant, scope: id, runId, predecessor: before.predecessor });
    }
    const memo: RunMemo = {
      ...before,
      predecessor: description.runId,
      ...(before?.place && { place: placeFor(before.place) }),
    };
    const timeoutMs = optionalTsToMs(started?.workflowExecutionTimeout);
    try {
      return await this.begin(description.type, id, memo, {
        taskQueue: description.taskQueue,
        args,
        // Somebody else's retry may have completed since the look at the run.
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        ...(timeoutMs && { workflowExecutionTimeout: timeoutMs }),
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      throw new SegnoError(
        'Run.Conflict',
        `the run ${id} has been retried in the meantime; look at it (segno show ${id})`,
      );
    }
  }

  /** @throws SegnoError `Run.Unknown` */
  async get(id: string): Promise<Run> {
    const { handle, description } = await this.describe(id);
    return this.run(handle, description.runId, true);
  }

  list(options: { limit?: number } = {}): Promise<RunSummary[]> {
    return listRuns(this.temporal, this.ledger, options);
  }

  /**
   * @param options.underWay also ask a running run what it waits for (`approvals`) and how far its patterns are (`patterns`); up to
   *   1.5 seconds when no worker answers. Default false
   * @throws SegnoError `Run.Unknown`
   */
  async show(id: string, options: { underWay?: boolean } = {}): Promise<RunDetails> {
    const { handle, description } = await this.describe(id);
    const [details, now] = await Promise.all([
      describeRun(handle, description, this.ledger),
      options.underWay ? underWay(this.temporal, description) : {},
    ]);
    return { ...details, ...now };
  }

  /**
   * What waits for a person's decision, oldest first, in all running runs or in one with its child workflows.
   *
   * @throws SegnoError `Run.Unknown`
   */
  approvals(options: { run?: string } = {}): Promise<WaitingApproval[]> {
    return listApprovals(this.temporal, options);
  }

  /**
   * Deliver a person's decision to the run `id`, and wait until a worker has taken it. The first decision stands; the same
   * one given again counts once.
   *
   * @throws SegnoError `Run.Unknown`, `Approval.Unknown`, `Approval.AlreadyDecided`, `Approval.Expired`,
   *   `Approval.InvalidDecision`, `Approval.Undelivered`
   */
  decide(id: string, options: DecideOptions): Promise<Decision> {
    return decideApproval(this.temporal, id, options);
  }

  /**
   * Send an event to the run `id`, or to the child workflow of that id, and wait until a worker has taken it in. Sent again under its own
   * id, it counts once.
   *
   * @throws SegnoError `Run.Unknown`, `Event.Refused`, `Event.Undelivered`
   */
  sendEvent(id: string, name: string, options?: EventOptions): Promise<EventReceipt> {
    return sendEvent(this.temporal, id, name, options);
  }

  /**
   * What a run did to the world: every call of a tool that changes something, by all executions that had this id and their children,
   * in the order in which they began. They are read as they are asked for.
   *
   * @throws SegnoError `Run.Unknown`
   */
  async *effects(id: string): AsyncGenerator<EffectRecord> {
    await this.describe(id);
    yield* listEffects(this.ledger, { tenant, scope: id });
  }

  /**
   * Effects of a run whose outcome is unknown, the newest first.
   *
   * @throws SegnoError `Run.Unknown`
   */
  async unknownEffects(id: string): Promise<UnknownEffect[]> {
    const { description } = await this.describe(id);
    return listUnknown(this.temporal, this.ledger, description, tenant);
  }

  /**
   * Say what became of an effect whose outcome was lost: a run that waits for the answer goes on with it, one that has ended when it
   * is retried.
   *
   * @throws SegnoError `Run.Unknown`, `Step.Unknown`; what `decide` throws
   */
  async resolve(id: string, options: ResolveOptions): Promise<UnknownEffect> {
    const { description } = await this.describe(id);
    return resolveOutcome(this.temporal, this.ledger, description, { ...options, tenant });
  }

  /** What model calls have cost, the dearest first, and all together. */
  costs(query: CostQuery): Promise<Costs> {
    return costsBy(this.ledger, query);
  }

  /**
   * The figures of executions: how many, how long, how often they failed, for runs, patterns, agents and tools.
   *
   * @param options.since ISO 8601; only what ended since then (agents and tools: began). Default: all that is known
   */
  stats({ since }: { since?: string } = {}): Promise<Stats> {
    return statsSince(this.temporal, this.ledger, since);
  }

  /**
   * Budgets, the newest first, with who waits for more; where one or a run's is asked for, also with who spent it.
   *
   * @throws SegnoError `Run.Unknown` when `run` has no budget, and nobody knows it
   */
  async budgets(options: BudgetQuery = {}): Promise<BudgetDetails[]> {
    const budgets = await describeBudgets(this.temporal, this.ledger, options);
    if (budgets.length === 0 && options.run !== undefined) await this.describe(options.run);
    return budgets;
  }

  /**
   * Raise the budget of that key, once a call, and let the runs go on that wait for it. Only what it limits can be raised; a budget
   * of a day or month for that one only.
   *
   * @throws SegnoError `Budget.Unknown`, `Config.Invalid`
   */
  raiseBudget(key: string, options: RaiseOptions): Promise<RaisedBudget> {
    return raiseAndWake(this.temporal, this.ledger, key, options);
  }

  /** Limits and health of providers, models and tenants, and how many calls wait there. */
  providers(): Promise<GateState[]> {
    return listGates(this.ledger);
  }

  putDocument(
    bytes: Uint8Array,
    mediaType: string,
    { runId, name }: { runId: string; name?: string },
  ): Promise<DocumentRef> {
    return putBlob(this.ledger, { tenant, scope: runId, bytes, mediaType, ...(name !== undefined && { name }) });
  }

  /** @throws SegnoError `Document.Missing` */
  async getDocument({ sha256 }: Pick<DocumentRef, 'sha256'>): Promise<Uint8Array> {
    return (await getBlob(this.ledger, { tenant, sha256 })).bytes;
  }

  private async storeJson(scope: string, value: unknown): Promise<string> {
    const bytes = Buffer.from(JSON.stringify(value));
    return (await putBlob(this.ledger, { tenant, scope, bytes, mediaType: 'application/json' })).sha256;
  }

  private begin(type: string, id: string, memo: RunMemo, options: BeginOptions): Promise<Run> {
    const priority = temporalPriority(memo);
    return startInPlace(this.places, memo.place, { tenant, workflowId: id }, async () => {
      const handle = await this.temporal.workflow.start(type, {
        ...options,
        workflowId: id,
        memo: { [memoKey]: memo },
        workflowTaskTimeout: workflowTaskTimeoutMs,
        ...(priority && { priority }),
      });
      return this.run(handle, handle.firstExecutionRunId, false);
    });
  }

  private async isRunning(id: string): Promise<boolean> {
    try {
      return (await this.describe(id)).description.status.name === 'RUNNING';
    } catch (error) {
      if (error instanceof SegnoError && error.type === 'Run.Unknown') return false;
      throw error;
    }
  }

  private async attach<Result>(id: string, wanted: RunMemo): Promise<Run<Result>> {
    const { handle, description } = await this.describe(id);
    const memo = description.memo?.[memoKey] as RunMemo | undefined;
    if (memo?.inputHash !== wanted.inputHash) {
      throw new SegnoError(
        'Run.Conflict',
        `the run ${id} is in progress with other input; wait for it, cancel it (segno cancel ${id}), or choose another id`,
      );
    }
    return this.run(handle, description.runId, true);
  }

  private async describe(id: string): Promise<{ handle: WorkflowHandle; description: WorkflowExecutionDescription }> {
    const handle = this.temporal.workflow.getHandle(id);
    try {
      return { handle, description: await handle.describe() };
    } catch (error) {
      if ((error as Error).name !== 'WorkflowNotFoundError') throw error;
      throw new SegnoError('Run.Unknown', `there is no run ${id}; \`segno runs\` lists the runs`);
    }
  }

  private run<Result>(handle: WorkflowHandle, runId: string, attached: boolean): Run<Result> {
    return {
      id: handle.workflowId,
      runId,
      attached,
      async result() {
        try {
          return (await handle.result()) as Result;
        } catch (error) {
          throw runFailure(error, handle.workflowId);
        }
      },
      async cancel() {
        await handle.cancel();
      },
    };
  }
}

/** @throws SegnoError `Config.Invalid` */
function checkedBudget(budget: BudgetAmounts): BudgetAmounts {
  const parsed = budgetSchema.safeParse(budget);
  if (parsed.success) return parsed.data;
  throw new SegnoError('Config.Invalid', `the run’s budget: ${describeIssues(parsed.error)}`);
}
