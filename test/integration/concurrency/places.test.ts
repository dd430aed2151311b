/** The ledger gives places as core/places does: the same random histories, side by side, and many at once. */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { givingWay, granted, type OnLimit, type Place, type PlaceRequest } from '../../../core/places.js';
import { leavePlace, queuedPlaces, takePlace } from '../../../ledger/places/places.js';
import type { Ledger } from '../../../ledger/index.js';
import { describeOnBothDatabases } from '../ledger/databases.js';

const tenant = 'tenant';
const request = (key: string, limit: number, onLimit: OnLimit = 'queue'): PlaceRequest => ({
  id: randomUUID(),
  key,
  limit,
  onLimit,
});

async function stored(ledger: Ledger, key: string): Promise<Place[]> {
  const { rows } = await ledger.query<Place & { seq: string }>(
    `select id, seq, most as limit, state, cancelled from segno.places where key = $1 order by seq`,
    [key],
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

const event = fc.record({
  do: fc.constantFrom('queue', 'queue', 'drop', 'cancelRunning', 'leave', 'leave'),
  limit: fc.integer({ min: 1, max: 3 }),
  who: fc.nat(20),
});

describeOnBothDatabases((database) => {
  it('gives, refuses and takes places as the core does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 15 }), async (events) => {
        const { ledger } = database();
        const key = randomUUID();
        for (const { do: what, limit, who } of events) {
          const before = await stored(ledger, key);
          if (what === 'leave') {
            const gone = before[who % Math.max(1, before.length)];
            if (!gone) continue;
            await leavePlace(ledger, { tenant, key }, gone.id);
            expect(await stored(ledger, key)).toEqual(afterGrants(before.filter(({ id }) => id !== gone.id)));
            continue;
          }
          const place = request(key, limit, what);
          const owner = { tenant, workflowId: `run-${place.id}` };
          const [asked, taken] = [
            await takePlace(ledger, place, owner, 'client'),
            what === 'drop' ? undefined : await takePlace(ledger, place, owner, 'run'),
          ];
          const seq = (await stored(ledger, key)).find(({ id }) => id === place.id)?.seq ?? Number.MAX_SAFE_INTEGER;
          const arrived = afterGrants([...before, { id: place.id, seq, limit, state: 'waiting', cancelled: false }]);
          const mine = arrived.find(({ id }) => id === place.id)!;
          if (what === 'drop' && mine.state === 'waiting') {
            expect(asked.state).toBe('refused');
            expect(await stored(ledger, key)).toEqual(arrived.filter(({ id }) => id !== place.id));
            continue;
          }
          expect(asked.state).toBe(mine.state);
          const gone = what === 'cancelRunning' && mine.state === 'waiting' ? givingWay(arrived, mine) : [];
          if (taken?.state === 'waiting') expect(taken.givingWay.map(({ id }) => id).sort()).toEqual([...gone].sort());
          expect(await stored(ledger, key)).toEqual(
            arrived.map((one) => (gone.includes(one.id) ? { ...one, cancelled: true } : one)),
          );
        }
      }),
      { numRuns: 40 },
    );
  });

  it('gives no more places than the limit to many who ask, leave and ask again at once', async () => {
    const { ledger } = database();
    const key = randomUUID();
    const places = Array.from({ length: 40 }, () => request(key, 3));
    const owner = { tenant, workflowId: 'run' };
    await Promise.all(places.flatMap((place) => [0, 1].map(() => takePlace(ledger, place, owner, 'client'))));
    const waiting = await queuedPlaces(
      ledger,
      places.map(({ id }) => id),
    );
    expect([...waiting.values()].map(({ position }) => position).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 37 }, (_, n) => n + 1),
    );
    for (let left = await stored(ledger, key); left.length > 0; left = await stored(ledger, key)) {
      const holding = left.filter(({ state }) => state === 'holding');
      expect(holding).toEqual(left.slice(0, Math.min(3, left.length)));
      await Promise.all(holding.map(({ id }) => leavePlace(ledger, { tenant, key }, id)));
    }
  });

  it('gives none to a run of another tenant’s key, nor counts it', async () => {
    const { ledger } = database();
    const key = randomUUID();
    const [one, other] = [request(key, 1), request(key, 1)];
    expect((await takePlace(ledger, one, { tenant: 'one', workflowId: 'a' }, 'client')).state).toBe('holding');
    expect((await takePlace(ledger, other, { tenant: 'other', workflowId: 'b' }, 'client')).state).toBe('holding');
  });
});

function afterGrants(places: readonly Place[]): Place[] {
  const ids = granted(places);
  return places.map((place) => (ids.includes(place.id) ? { ...place, state: 'holding' } : place));
}
