/**
 * Events that others send to a run: what crosses, and how much of it a run keeps.
 *
 * Invariants:
 * 1. An event counts once, however often it is sent under its id.
 * 2. What comes before it is waited for is kept, within bounds; what would go beyond them is refused to who sends it.
 */

/** The update that delivers an {@link EventRequest}; its result is an {@link EventReceipt}. */
export const eventUpdateName = 'segnoEvent';

export interface EventRequest {
  name: string;
  /** Whom or what it is about: it goes to who waits for this name with this key, and an event without one to who waits without. */
  key?: string;
  /** The same event has the same id. */
  id: string;
  data?: unknown;
}

export interface EventReceipt {
  id: string;
  /** `taken`: somebody waited for it. `kept`: nobody does yet. `known`: an event of this id came before, and counts. */
  state: 'taken' | 'kept' | 'known';
}

/** Events that came before they are waited for. */
export const mostKept = 100;
/** Characters of their data as JSON, together: they go with a loop into its next execution. */
export const mostKeptCharacters = 500_000;
/** Ids by which an event is known again, in one execution, and of those as many go with a loop into its next. */
export const rememberedIds = 1_000;
export const carriedIds = 200;

const longestName = 100;
export const longestKey = 200;
const longestId = 100;
const largestData = 64_000;

/** What goes with a loop into its next execution. */
export interface CarriedEvents {
  kept: EventRequest[];
  /** Ids, the oldest first. */
  known: string[];
}

/** What is wrong with an event; it comes from outside, whatever its type says. */
export function eventFaults({ name, key, id, data }: EventRequest): string[] {
  const json = data === undefined ? '' : jsonOf(data);
  return [
    ...nameFaults(name, key),
    ...(isText(id, longestId) && id !== '' ? [] : [`id: is no text of 1 to ${longestId} characters`]),
    ...(json === undefined ? ['data: is nothing that JSON can carry'] : []),
    ...((json ?? '').length > largestData
      ? [
          `data: has ${json!.length} characters as JSON, of at most ${largestData}; store it as a document, and send its reference`,
        ]
      : []),
  ];
}

export function nameFaults(name: unknown, key: unknown): string[] {
  return [
    ...(isText(name, longestName) && /^[^/\u0000-\u001f\u007f]+$/.test(name)
      ? []
      : [`a name has 1 to ${longestName} characters, none of them "/" or a control character`]),
    ...(key === undefined || (isText(key, longestKey) && key !== '')
      ? []
      : [`key: is no text of 1 to ${longestKey} characters`]),
  ];
}

/** What speaks against keeping one more. */
export function keepingFaults(kept: readonly EventRequest[], event: EventRequest): string[] {
  const characters = [...kept, event].reduce((sum, { data }) => sum + (JSON.stringify(data ?? null)?.length ?? 0), 0);
  if (kept.length >= mostKept)
    return [`the run keeps ${kept.length} events it does not wait for yet, which is the most`];
  return characters > mostKeptCharacters
    ? [`with it, the events the run does not wait for yet have over ${mostKeptCharacters} characters`]
    : [];
}

export function eventTitle({ name, key }: Pick<EventRequest, 'name' | 'key'>): string {
  return key === undefined ? name : `${name} (${key})`;
}

function isText(text: unknown, longest: number): text is string {
  return typeof text === 'string' && text.length <= longest;
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
