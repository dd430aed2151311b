/**
 * Events sent to this execution: taken by who waits for them, or kept.
 *
 * Invariants:
 * 1. Validator and handler are synchronous: what was let through is taken or kept, once.
 * 2. The first of those who wait for a name and key takes the event. What it no longer needs, as it was cancelled in that moment, goes
 *    to the next.
 * 3. A replay takes what was taken: a schema may refuse an event as it comes, but not one that history says was taken.
 */
import { defineUpdate, log, setHandler, workflowInfo } from '@temporalio/workflow';
import { memoKey, type RunMemo } from '../core/contracts.js';
import {
  carriedIds,
  type CarriedEvents,
  eventFaults,
  type EventReceipt,
  type EventRequest,
  eventTitle,
  eventUpdateName,
  keepingFaults,
  rememberedIds,
} from '../core/event.js';
import { fail } from './failure.js';

/** Of zod, or anything with its `safeParse`. */
export interface EventSchema<Data> {
  safeParse(
    data: unknown,
  ):
    | { success: true; data: Data }
    | { success: false; error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } };
}

export interface EventWait {
  readonly name: string;
  readonly key?: string | undefined;
  readonly schema?: EventSchema<unknown> | undefined;
  taken?: EventRequest;
}

interface Inbox {
  readonly waits: EventWait[];
  readonly kept: EventRequest[];
  /** Ids. */
  readonly known: Set<string>;
}

const inboxKey = Symbol.for('segno.eventInbox');

/** The execution's own: what takes events in and what waits for them may be two copies of this package in one bundle. */
function inbox(): Inbox {
  const globals = globalThis as { [inboxKey]?: Inbox };
  return (globals[inboxKey] ??= { waits: [], kept: [], known: new Set() });
}

const eventUpdate = defineUpdate<EventReceipt, [EventRequest]>(eventUpdateName);

/** From the first line of an execution on events are taken in: some come before they are waited for. */
export function takeInEvents(): void {
  const { memo, continuedFromExecutionRunId } = workflowInfo();
  const carried = (memo?.[memoKey] as RunMemo | undefined)?.events;
  if (carried && continuedFromExecutionRunId !== undefined) {
    const { kept, known } = inbox();
    kept.push(...carried.kept);
    carried.known.forEach((id) => known.add(id));
  }
  setHandler(eventUpdate, receive, { validator: check });
}

/** What a further execution must be given; undefined when there is nothing. */
export function carriedEvents(): CarriedEvents | undefined {
  const { kept, known } = inbox();
  if (known.size === 0) return undefined;
  return { kept: [...kept], known: [...known].slice(-carriedIds) };
}

/** Wait for an event; one that is kept is `taken` at once. */
export function openWait(wait: EventWait): void {
  const { waits, kept } = inbox();
  for (const event of kept.filter((one) => fits(wait, one))) {
    kept.splice(kept.indexOf(event), 1);
    const faults = dataFaults(wait, event);
    if (faults.length === 0) {
      wait.taken = event;
      return;
    }
    log.warn('an event that came early does not fit, and is dropped', {
      event: eventTitle(event),
      id: event.id,
      faults,
    });
  }
  waits.push(wait);
}

/** @param used false: what was taken goes to the next who waits for it */
export function closeWait(wait: EventWait, used: boolean): void {
  const { waits, kept } = inbox();
  const index = waits.indexOf(wait);
  if (index >= 0) waits.splice(index, 1);
  if (!wait.taken || used) return;
  const { taken } = wait;
  const next = waiterOf(taken);
  if (next && dataFaults(next, taken).length === 0) next.taken = taken;
  else kept.unshift(taken);
}

/** @throws ApplicationFailure `Event.Refused` */
function check(event: EventRequest): void {
  const { kept, known } = inbox();
  if (known.has(event.id)) return;
  const faults = eventFaults(event);
  const wait = faults.length > 0 ? undefined : waiterOf(event);
  if (wait) faults.push(...dataFaults(wait, event));
  else if (faults.length === 0) faults.push(...keepingFaults(kept, event));
  if (faults.length > 0) throw fail('Event.Refused', `${eventTitle(event)}: ${faults.join('; ')}`);
}

function receive(event: EventRequest): EventReceipt {
  const { id } = event;
  const { kept, known } = inbox();
  if (known.has(id)) return { id, state: 'known' };
  known.add(id);
  for (const oldest of known) {
    if (known.size <= rememberedIds) break;
    known.delete(oldest);
  }
  const wait = waiterOf(event);
  if (wait) wait.taken = event;
  else kept.push(event);
  return { id, state: wait ? 'taken' : 'kept' };
}

function waiterOf(event: EventRequest): EventWait | undefined {
  return inbox().waits.find((wait) => wait.taken === undefined && fits(wait, event));
}

function fits(wait: EventWait, { name, key }: EventRequest): boolean {
  return wait.name === name && wait.key === key;
}

function dataFaults({ schema }: EventWait, { data }: EventRequest): string[] {
  const parsed = schema?.safeParse(data);
  if (!parsed || parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => `${['data', ...path].map(String).join('.')}: ${message}`);
}
