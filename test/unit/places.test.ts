import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { givingWay, granted, isAbandoned, type Place, positionOf, queuedText } from '../../core/places.js';

/** What the ledger does around the decisions: arrivals, ends and cancellations of one key. */
class Key {
  places: Place[] = [];
  /** In the order in which they got their places. */
  readonly passed: string[] = [];
  private seq = 0;

  arrive(limit: number, cancelsOlder = false): string {
    const place: Place = { id: `r${(this.seq += 1)}`, seq: this.seq, limit, state: 'waiting', cancelled: false };
    this.places.push(place);
    this.grant();
    if (cancelsOlder && positionOf(this.places, place.id) !== undefined) {
      const gone = givingWay(this.places, place);
      this.places = this.places.map((one) => (gone.includes(one.id) ? { ...one, cancelled: true } : one));
    }
    return place.id;
  }

  leave(id: string): void {
    this.places = this.places.filter((place) => place.id !== id);
    this.grant();
  }

  holding(): Place[] {
    return this.places.filter(({ state }) => state === 'holding');
  }

  private grant(): void {
    const ids = granted(this.places);
    this.passed.push(...ids);
    this.places = this.places.map((place) => (ids.includes(place.id) ? { ...place, state: 'holding' } : place));
  }
}

const event = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ do: 'arrive' as const, who: 0 }) },
  { weight: 1, arbitrary: fc.constant({ do: 'cancelOlder' as const, who: 0 }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('leave' as const), who: fc.nat(50) }) },
);

describe('places of a key', () => {
  it('are never more than the limit, are given in order, and none is lost, whoever comes and goes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 }), fc.array(event, { maxLength: 80 }), (limit, events) => {
        const key = new Key();
        const left = new Set<string>();
        const leave = (id: string): void => {
          left.add(id);
          key.leave(id);
        };
        let arrived = 0;
        for (const { do: what, who } of events) {
          if (what === 'leave') {
            const place = key.places[who % Math.max(1, key.places.length)];
            if (place) leave(place.id);
          } else {
            key.arrive(limit, what === 'cancelOlder');
            arrived += 1;
          }
          expect(key.holding().length).toBeLessThanOrEqual(limit);
          const waiting = key.places.filter(({ state, cancelled }) => state === 'waiting' && !cancelled);
          if (waiting.length > 0) expect(key.holding()).toHaveLength(limit);
        }
        while (key.places.length > 0) leave(key.places[0]!.id);
        expect(left.size).toBe(arrived);
        const numbers = key.passed.map((id) => Number(id.slice(1)));
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        expect(new Set(numbers).size).toBe(numbers.length);
      }),
    );
  });

  it('go to all who wait and do not leave, in the order in which they came', () => {
    const key = new Key();
    const ids = Array.from({ length: 20 }, () => key.arrive(3));
    for (const id of ids) key.leave(id);
    expect(key.passed).toEqual(ids);
  });

  it('are taken from the oldest by a newcomer that cancels, and from no more than it needs', () => {
    const key = new Key();
    const [a, b, waits] = [key.arrive(2), key.arrive(2), key.arrive(2)];
    const newest = key.arrive(2, true);
    expect(key.places.filter(({ cancelled }) => cancelled).map(({ id }) => id)).toEqual([a, b]);
    key.leave(a);
    key.leave(b);
    expect(key.passed).toEqual([a, b, waits, newest]);
  });

  it('are not given to one that gives way', () => {
    const key = new Key();
    const [holder, waits] = [key.arrive(1), key.arrive(1)];
    const newest = key.arrive(1, true);
    expect(positionOf(key.places, waits)).toBeUndefined();
    expect(positionOf(key.places, newest)).toBe(1);
    key.leave(holder);
    expect(key.passed).toEqual([holder, newest]);
  });
});

describe('a place', () => {
  const place = { id: 'p', seen: true, ageMs: 1_000 };

  it('is abandoned when its run has ended, or another has its id', () => {
    expect(isAbandoned(place, { running: true, placeId: 'p' })).toBe(false);
    expect(isAbandoned(place, { running: false, placeId: 'p' })).toBe(true);
    expect(isAbandoned(place, { running: true, placeId: 'q' })).toBe(true);
    expect(isAbandoned(place, undefined)).toBe(true);
  });

  it('is kept for a minute for a run that is being started', () => {
    const unseen = { ...place, seen: false };
    expect(isAbandoned(unseen, undefined)).toBe(false);
    expect(isAbandoned(unseen, { running: false, placeId: 'before' })).toBe(false);
    expect(isAbandoned({ ...unseen, ageMs: 61_000 }, undefined)).toBe(true);
  });

  it.each([
    [1, '1st'],
    [2, '2nd'],
    [3, '3rd'],
    [4, '4th'],
    [11, '11th'],
    [12, '12th'],
    [22, '22nd'],
    [113, '113th'],
  ])('in position %i is the %s', (position, words) => {
    expect(queuedText({ key: 'customer/42', position })).toBe(`queued, ${words} for customer/42`);
  });
});
