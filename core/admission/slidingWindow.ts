/**
 * What was used in the last minute, as a sliding window counter: slots of five seconds, the newest first.
 *
 * Invariants:
 * 1. The slots cover at least the last 60 s, so a limit kept over their sum is kept over any minute.
 * 2. They cover at most 65 s: what waits for the oldest slot waits at most 5 s longer than an exact log would make it.
 *
 * A token bucket as large as its limit lets through almost twice the limit in a minute that follows a quiet one; this does not.
 */
export const slotMs = 5_000;
/** Twelve whole slots and the one under way. */
export const slotCount = 13;

export interface SlidingWindow {
  /** Number of the newest slot: Unix time in milliseconds divided by `slotMs`. */
  readonly newest: number;
  /** Newest first, `slotCount` of them. */
  readonly slots: readonly number[];
}

export const emptyWindow: SlidingWindow = { newest: 0, slots: new Array<number>(slotCount).fill(0) };

export function slotOf(nowMs: number): number {
  return Math.floor(nowMs / slotMs);
}

/** The window as it stands at `nowMs`; a clock that went back leaves it as it is. */
export function windowAt({ newest, slots }: SlidingWindow, nowMs: number): SlidingWindow {
  const passed = Math.min(slotOf(nowMs) - newest, slotCount);
  if (passed <= 0) return { newest, slots };
  return { newest: slotOf(nowMs), slots: [...new Array<number>(passed).fill(0), ...slots].slice(0, slotCount) };
}

export function usedIn({ slots }: SlidingWindow): number {
  return slots.reduce((sum, slot) => sum + slot, 0);
}

/** Adds to the slot numbered `slot`; one that has left the window no longer counts. Amounts may be negative: a refund. */
export function addTo(window: SlidingWindow, slot: number, amount: number): SlidingWindow {
  const index = window.newest - slot;
  if (index < 0 || index >= slotCount) return window;
  return { ...window, slots: window.slots.map((used, at) => (at === index ? used + amount : used)) };
}

/**
 * Milliseconds until `need` fits under `limit`, if nothing else is added meanwhile; 0 when it fits now. A need over the
 * limit is taken for the limit: it passes through an empty window.
 *
 * @param window as `windowAt(…, nowMs)` gives it
 */
export function waitMsFor(window: SlidingWindow, need: number, limit: number, nowMs: number): number {
  const room = limit - Math.min(need, limit);
  let used = usedIn(window);
  if (used <= room) return 0;
  const toNextSlot = slotMs - (nowMs % slotMs);
  for (let gone = 1; gone <= slotCount; gone += 1) {
    used -= window.slots[slotCount - gone] ?? 0;
    if (used <= room) return toNextSlot + (gone - 1) * slotMs;
  }
  return toNextSlot + slotCount * slotMs;
}
