/**
 * Runs of one key, at most so many at a time: who holds a place, who waits for one, and who gives way.
 *
 * The ledger's functions decide the same where the rows are locked (ledger/functions/places.ts); here it stands to be read and tested.
 *
 * Invariants:
 * 1. Places are given in the order in which they were asked for; nobody overtakes, whatever limit he names.
 * 2. A run passes only while fewer than its own limit hold a place.
 * 3. One that gives way gets no place any more: it is cancelled, and leaves.
 */
export const onLimitChoices = ['queue', 'drop', 'cancelRunning'] as const;
export type OnLimit = (typeof onLimitChoices)[number];

/** What travels with a run that asks for a place; a retried run asks for another one. */
export interface PlaceRequest {
  id: string;
  key: string;
  limit: number;
  onLimit: OnLimit;
}

export interface Place {
  readonly id: string;
  /** Grows with each place asked for. */
  readonly seq: number;
  readonly limit: number;
  readonly state: 'waiting' | 'holding';
  /** It gives way to a newer run. */
  readonly cancelled: boolean;
}

/** Those of a key who get a place now. */
export function granted(places: readonly Place[]): string[] {
  let held = places.filter(({ state }) => state === 'holding').length;
  const given: string[] = [];
  for (const { id, limit } of waitingOf(places)) {
    if (held >= limit) break;
    given.push(id);
    held += 1;
  }
  return given;
}

/** Those who give way to a newcomer that has to wait: the oldest, and no more of them than it takes. */
export function givingWay(places: readonly Place[], newcomer: Pick<Place, 'seq' | 'limit'>): string[] {
  const older = inOrder(places.filter(({ seq }) => seq < newcomer.seq));
  return older.slice(0, Math.max(0, older.length - (newcomer.limit - 1))).map(({ id }) => id);
}

/** 1 for the next one to get a place; undefined for one that does not wait. */
export function positionOf(places: readonly Place[], id: string): number | undefined {
  const position = waitingOf(places).findIndex((place) => place.id === id);
  return position < 0 ? undefined : position + 1;
}

function waitingOf(places: readonly Place[]): Place[] {
  return inOrder(places.filter(({ state, cancelled }) => state === 'waiting' && !cancelled));
}

function inOrder(places: readonly Place[]): Place[] {
  return [...places].sort((a, b) => a.seq - b.seq);
}

/** The newest execution under the id of a place's run, as Temporal knows it. */
export interface FoundRun {
  readonly running: boolean;
  /** Of the place in its memo. */
  readonly placeId: string | undefined;
}

/** So long after a place was asked for, its run may still be on its way to Temporal. */
const startGraceMs = 60_000;

/** Whether nobody will ever give a place back: its run has ended without, or was never started. */
export function isAbandoned(
  { id, seen, ageMs }: { readonly id: string; readonly seen: boolean; readonly ageMs: number },
  found: FoundRun | undefined,
): boolean {
  if (found?.placeId === id) return !found.running;
  return seen || ageMs > startGraceMs;
}

/** A run that waits for its place. */
export interface Queued {
  key: string;
  /** 1 for the next one. */
  position: number;
}

/** `queued, 3rd for customer/42` */
export function queuedText({ key, position }: Queued): string {
  const [tens, ones] = [position % 100, position % 10];
  const suffix = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][ones] ?? 'th');
  return `queued, ${position}${suffix} for ${key}`;
}

/** What the activities of a run's place say to its workflow. */
export interface PlaceActivities {
  /** @returns whether it holds its place; if not, `placeSignalName` says so later */
  takePlace(request: { place: PlaceRequest; tenant?: string }): Promise<{ holding: boolean }>;
  leavePlace(request: { place: PlaceRequest; tenant?: string }): Promise<void>;
}

/** Tells a run, with its place's id, that it holds its place. */
export const placeSignalName = 'segnoPlace';
