/** Words for a replay that went another way than its record. */
import { type HistoryEventJson, type HistoryJson, startedEvent, stepOf } from './historyJson.js';

const advice =
  'Wrap the change in patched() (CONTRIBUTING.md, Histories): runs that are in progress must go on as they began.';

/**
 * Temporal's error in the reader's words, with the first event that does not fit.
 *
 * @param error what `Worker.runReplayHistory` threw
 */
export function describeDivergence(file: string, history: HistoryJson, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const workflow = startedEvent(history).workflowType.name;
  if (!/nondeterminism/i.test(message)) return `${file}: ${workflow} cannot be replayed: ${shorten(message)}`;
  const event = history.events.find(({ eventId }) => eventId === firstEventId(message, history));
  return [
    `${file}: ${workflow} does not replay.`,
    ...(event ? [`First event the code does not produce: ${describeEvent(event, history)}`] : []),
    `Temporal says: ${shorten(message)}`,
    advice,
  ].join('\n  ');
}

/**
 * The recorded steps the code does not ask for, and what it asks for instead; undefined when there are none. What it asks for
 * beyond the record is no drift by itself: the workflow task in which a run ends drops what it began beside its end.
 */
export function describeStepDrift(
  file: string,
  history: HistoryJson,
  { recorded, asked }: { recorded: readonly string[]; asked: readonly string[] },
): string | undefined {
  const missing = recorded.filter((path) => !asked.includes(path));
  const extra = asked.filter((path) => !recorded.includes(path));
  if (missing.length === 0) return undefined;
  const first = history.events.find((event) => missing.includes(stepOf(event) ?? ''));
  return [
    `${file}: ${startedEvent(history).workflowType.name} asks for other steps than it did when it was recorded.`,
    ...(first ? [`First event the code does not produce: ${describeEvent(first, history)}`] : []),
    `No longer asked for: ${missing.join(', ')}`,
    ...(extra.length > 0 ? [`New: ${extra.join(', ')}`] : []),
    advice,
  ].join('\n  ');
}

/** Core names the event in most of its messages: `HistoryEvent(id: 5, Timer started)`, `event_id: 5`. */
function firstEventId(message: string, history: HistoryJson): string | undefined {
  const named = /HistoryEvent\(id: (\d+)/.exec(message) ?? /event_?id:? ?(\d+)/i.exec(message);
  if (named) return named[1];
  const activity = /scheduled event '([^']+)' does not match activity (?:id|type)/i.exec(message);
  if (!activity) return undefined;
  return history.events.find((event) => {
    const scheduled = event['activityTaskScheduledEventAttributes'] as
      { activityId: string; activityType: { name: string } } | undefined;
    return scheduled?.activityId === activity[1] || scheduled?.activityType.name === activity[1];
  })?.eventId;
}

function describeEvent(event: HistoryEventJson, history: HistoryJson): string {
  const type = event.eventType
    .replace(/^EVENT_TYPE_/, '')
    .toLowerCase()
    .replaceAll('_', ' ');
  const step = stepOf(event) ?? scheduledBy(event, history);
  return `event ${event.eventId}, ${type}${step === undefined ? '' : ` (step ${step})`}`;
}

/** The step of an activity's later events. */
function scheduledBy(event: HistoryEventJson, history: HistoryJson): string | undefined {
  for (const value of Object.values(event)) {
    if (typeof value !== 'object' || value === null || !('scheduledEventId' in value)) continue;
    const scheduled = history.events.find(({ eventId }) => eventId === value.scheduledEventId);
    return scheduled && stepOf(scheduled);
  }
  return undefined;
}

function shorten(message: string): string {
  const details = message.replace(/^.*?Details: /s, '');
  return details.length > 600 ? `${details.slice(0, 600)}…` : details;
}
