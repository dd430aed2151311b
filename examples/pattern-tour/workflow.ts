/** One workflow a pattern, each a few lines long; README.md says why it takes this pattern. */
import {
  barrier,
  dag,
  everyInterval,
  hedge,
  isFailure,
  loop,
  parallel,
  proxyAgents,
  proxyTools,
  race,
  repeatUntil,
  sleepUntil,
  waitForEvent,
  withTimeout,
} from 'segno/workflow';
import { type Product, shopNames } from './shops.js';

const { reviewReader } = proxyAgents<typeof import('./agents.js')>({ timeout: '5m' });
const { askShop, bid, readDataSheet, readQuote, requestQuote } = proxyTools<typeof import('./tools.js')>({
  timeout: '1m',
});

export interface TourInput {
  product: Product;
}

interface Offer {
  shop: string;
  price: number;
}

/** EUR. */
const deliveryPerKg = 2;

/** dag: shops and data sheet are asked at once; a slow shop holds up the totals, and not the agent that reads the reviews. */
export async function compareOffers({ product }: TourInput) {
  const { totals, buyers } = await dag(
    {
      harbour: { run: () => askShop({ shop: 'harbour', product }) },
      mill: { run: () => askShop({ shop: 'mill', product }) },
      sheet: { run: () => readDataSheet({ product }) },
      totals: {
        after: ['harbour', 'mill', 'sheet'],
        run: async ({ harbour, mill, sheet }: { harbour: Offer; mill: Offer; sheet: { weightKg: number } }) =>
          [harbour, mill].map(({ shop, price }) => ({ shop, delivered: price + sheet.weightKg * deliveryPerKg })),
      },
      buyers: {
        after: ['sheet'],
        run: ({ sheet }: { sheet: { reviews: string[] } }) => reviewReader({ reviews: sheet.reviews }),
      },
    },
    { timeout: '10m' },
  );
  return { totals, buyers: buyers.summary };
}

/** race: any shop's price will do for an estimate; the first answer is it, and the others are no longer asked. */
export async function firstPrice({ product }: TourInput) {
  const { winner, output } = await race(
    {
      harbour: () => askShop({ shop: 'harbour', product }),
      mill: () => askShop({ shop: 'mill', product }),
      attic: () => askShop({ shop: 'attic', product }),
    },
    { timeout: '30s' },
  );
  return { winner, price: output.price };
}

/** hedge: this shop's price and no other; when its server takes long, its mirror is asked as well. */
export async function hedgedPrice({ product }: TourInput) {
  const servers: ('main' | 'mirror')[] = ['main', 'mirror'];
  const { output, attempt } = await hedge(
    () => askShop({ shop: 'attic', product, server: servers.shift() ?? 'mirror' }),
    { after: '1s', attempts: 2, timeout: '30s' },
  );
  return { ...output, answeredBy: attempt === 1 ? 'main' : 'mirror' };
}

/** barrier: nobody bids in the next round before everybody has bid in this one, so that all know the same lowest bid. */
export async function sealedBids({ product }: TourInput) {
  const rounds: Offer[][] = [[], [], []];
  const allHaveBid = barrier(shopNames.length, { timeout: '1m' });
  await parallel(
    shopNames.map((shop) => async () => {
      for (const [round, bids] of rounds.entries()) {
        bids.push(await bid({ shop, product, lowest: lowestOf(rounds[round - 1]) }));
        await allHaveBid.arrive();
      }
    }),
    { timeout: '3m' },
  );
  return { lowest: lowestOf(rounds.at(-1)), rounds };
}

function lowestOf(bids: readonly Offer[] | undefined): number | null {
  return bids ? Math.min(...bids.map(({ price }) => price)) : null;
}

/** withTimeout: somebody waits on the phone; whom we have not reached in three seconds we leave out. */
export async function priceOnThePhone({ product }: TourInput) {
  const offers: Offer[] = [];
  try {
    await withTimeout('3s', async () => {
      for (const shop of shopNames) offers.push(await askShop({ shop, product }));
    });
  } catch (error) {
    if (!isFailure(error, 'Step.DeadlineExceeded')) throw error;
  }
  return { offers, leftOut: shopNames.slice(offers.length) };
}

/** repeatUntil: a clerk reckons, and nobody can say how long; the waits between are timers that cost nothing. */
export async function awaitQuote({ product }: TourInput) {
  const quote = await requestQuote({ shop: 'mill', product, amount: 50 });
  const { output, met, rounds } = await repeatUntil(() => readQuote(quote), {
    until: ({ pricePerPiece }) => pricePerPiece !== null,
    maxRounds: 20,
    delay: '1s',
    backoff: 1.5,
    timeout: '5m',
  });
  return { ready: met, ...output, rounds };
}

export interface Watch {
  version: 1;
  product: Product;
  /** EUR; ends when a price is under it. */
  limit: number;
  day: number;
}

/** loop: looks every day for as long as it takes, with a history that stays small. A day is a second here. */
export async function watchPrice(state: Watch): Promise<{ day: number; price: number }> {
  return loop(
    state,
    async () => {
      const { day, product } = state;
      const { price } = await askShop({ shop: 'harbour', product, day });
      if (price < state.limit) return { done: { day, price } };
      state.day += 1;
      return undefined;
    },
    { delay: '1s', maxRounds: 1_000 },
  );
}

interface Delivery {
  pieces: number;
}

/** waitForEvent: the courier tells when a parcel is there, and for which shop; nobody has to ask him. */
export async function awaitParcels({ product }: TourInput) {
  const parcel = (shop: string) => waitForEvent<Delivery>('delivered', { key: shop, timeout: '14 days' });
  const { harbour, mill } = await parallel({ harbour: () => parcel('harbour'), mill: () => parcel('mill') });
  return { product, pieces: harbour.pieces + mill.pieces };
}

/** sleepUntil: the price counts that the shop asks when it opens, and not when it is looked for. A night is two seconds here. */
export async function priceAtOpening({ product }: TourInput) {
  const opening = new Date(Date.now() + 2_000).toISOString();
  await sleepUntil(opening);
  const { price } = await askShop({ shop: 'harbour', product, day: 1 });
  return { price, opening };
}

/** everyInterval: the same shop at the same time of each day, however long it takes to answer. A day is a second here. */
export async function pricesOfTheWeek({ product }: TourInput) {
  const { results, skipped } = await everyInterval({ every: '1s', times: 3, onFailure: 'continue' }, (day) =>
    askShop({ shop: 'mill', product, day: day - 1 }),
  );
  return { prices: results.map((result) => (result.status === 'completed' ? result.output.price : null)), skipped };
}
