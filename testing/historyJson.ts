/** Reads a history in protobuf's JSON form, as far as fixtures and replays need it. */
import { claimCheckEncoding } from '../ledger/claimCheckCodec.js';

export interface HistoryEventJson {
  eventId: string;
  eventType: string;
  [attributes: string]: unknown;
}

export interface HistoryJson {
  events: HistoryEventJson[];
}

interface PayloadJson {
  metadata?: { encoding?: string };
  data?: string;
}

interface StartedEvent {
  workflowType: { name: string };
  workflowId?: string;
  firstExecutionRunId: string;
}

export function startedEvent(history: HistoryJson): StartedEvent {
  const started = history.events[0]?.['workflowExecutionStartedEventAttributes'] as StartedEvent | undefined;
  if (!started) throw new Error('this is no history: it does not begin with WorkflowExecutionStarted');
  return started;
}

/** SHA-256 of every payload that is in the ledger instead of the history. */
export function claimChecks(history: HistoryJson): Set<string> {
  const found = new Set<string>();
  const encoding = base64(claimCheckEncoding);
  visit(history, (value) => {
    const { metadata, data } = value as PayloadJson;
    if (metadata?.encoding === encoding && data) found.add(Buffer.from(data, 'base64').toString('utf8'));
  });
  return found;
}

/** Paths of the steps that were scheduled as activities; quick ones leave none in a history. */
export function scheduledSteps(history: HistoryJson): string[] {
  return history.events.flatMap((event) => stepOf(event) ?? []);
}

/** The step an event schedules; undefined when it schedules none, or its request is a claim check. */
export function stepOf(event: HistoryEventJson): string | undefined {
  const scheduled = event['activityTaskScheduledEventAttributes'] as
    { input?: { payloads?: PayloadJson[] } } | undefined;
  const data = scheduled?.input?.payloads?.[0]?.data;
  return data === undefined ? undefined : requestedStep(Buffer.from(data, 'base64'));
}

/** The path in a request to one of Segno's activities, as the payload's bytes have it. */
export function requestedStep(json: Uint8Array): string | undefined {
  try {
    const { path } = JSON.parse(Buffer.from(json).toString('utf8')) as { path?: unknown };
    return typeof path === 'string' ? path : undefined;
  } catch {
    return undefined;
  }
}

function visit(value: unknown, look: (object: object) => void): void {
  if (typeof value !== 'object' || value === null) return;
  look(value);
  for (const inner of Object.values(value)) visit(inner, look);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
