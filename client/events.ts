/**
 * Sends events to runs.
 *
 * Invariants:
 * 1. Its delivery is repeated under the same id until a worker has taken it: it counts once.
 * 2. It goes to whichever execution of the run runs, also when a loop goes on in a further one meanwhile.
 */
import { randomUUID } from 'node:crypto';
import { type Client, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { SegnoError } from '../core/errors.js';
import { eventFaults, type EventReceipt, type EventRequest, eventTitle, eventUpdateName } from '../core/event.js';
import { deliverUpdate, isUndelivered } from './deliverUpdate.js';

export interface EventOptions {
  /** Whom or what it is about; it goes to who waits for the name with this key. */
  key?: string;
  /** JSON of at most 64,000 characters. */
  data?: unknown;
  /** The same event has the same id, for example that of the message which told of it. Default: a new one. */
  id?: string;
  /** How long to wait for a worker to take it. Default: 1 minute. */
  timeoutMs?: number;
  /** Called once when no worker has taken it within seconds. */
  onNoWorker?: () => void;
}

const defaultTimeoutMs = 60_000;

/** @throws SegnoError `Run.Unknown`, `Event.Refused`, `Event.Undelivered` */
export async function sendEvent(
  temporal: Client,
  run: string,
  name: string,
  { key, data, id = randomUUID(), timeoutMs = defaultTimeoutMs, onNoWorker }: EventOptions = {},
): Promise<EventReceipt> {
  const request: EventRequest = { name, id, ...(key !== undefined && { key }), ...(data !== undefined && { data }) };
  const faults = eventFaults(request);
  if (faults.length > 0) throw new SegnoError('Event.Refused', `${name}: ${faults.join('; ')}`);
  try {
    return await deliverUpdate<EventReceipt, EventRequest>(
      temporal,
      { workflowId: run },
      { update: eventUpdateName, request, updateId: `segno-event-${id}`, limitMs: timeoutMs, onNoWorker },
    );
  } catch (error) {
    throw await refusal(temporal, run, request, error);
  }
}

async function refusal(temporal: Client, run: string, request: EventRequest, error: unknown): Promise<unknown> {
  if (error instanceof WorkflowUpdateFailedError) {
    const { cause } = error;
    const message = cause instanceof ApplicationFailure && cause.type === 'Event.Refused' ? cause.message : undefined;
    const told = message ?? `${eventTitle(request)}: the run cannot take it: ${cause?.message ?? error.message}`;
    return new SegnoError('Event.Refused', told, { cause: error });
  }
  if ((error as Error).name === 'WorkflowNotFoundError') {
    const known = await temporal.workflow
      .getHandle(run)
      .describe()
      .catch(() => undefined);
    if (!known) return new SegnoError('Run.Unknown', `there is no run ${run}; \`segno runs\` lists the runs`);
    const status = known.status.name.toLowerCase();
    return new SegnoError(
      'Event.Refused',
      `the run ${run} has ended (${status}) and takes no events; segno show ${run}`,
    );
  }
  if (!isUndelivered(error)) return error;
  return new SegnoError('Event.Undelivered', `no worker has taken the event ${request.id}; is one running?`, {
    cause: error,
  });
}
