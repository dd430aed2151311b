import { setTimeout } from 'node:timers/promises';
import { defineTool } from 'segno';
import { z } from 'zod';
import { dataSheets, shopNames, shops } from './shops.js';

const shop = z.enum(shopNames);
const product = z.enum(['kettle', 'lamp']);
const quote = z.object({ shop, product, amount: z.number().int().positive(), readyAt: z.iso.datetime() });

/** A clerk reckons for so long before a quote is ready. */
const clerkMs = 2_000;

export const askShop = defineTool({
  description: 'Asks a shop for the price of a product, in EUR; `day` 0 is today.',
  input: z.object({
    shop,
    product,
    server: z.enum(['main', 'mirror']).default('main'),
    day: z.number().int().min(0).default(0),
  }),
  output: z.object({ shop, price: z.number() }),
  readOnly: true,
  async execute({ shop, product, server, day }, { signal }) {
    await setTimeout(shops[shop].answersAfterMs[server], undefined, { signal });
    const prices = shops[shop].prices[product];
    return { shop, price: prices[Math.min(day, prices.length - 1)]! };
  },
});

export const readDataSheet = defineTool({
  description: 'The weight of a product and what buyers say of it.',
  input: z.object({ product }),
  output: z.object({ weightKg: z.number(), reviews: z.array(z.string()) }),
  readOnly: true,
  duration: 'quick',
  execute: ({ product }) => ({ ...dataSheets[product], reviews: [...dataSheets[product].reviews] }),
});

export const bid = defineTool({
  description: 'Has a shop bid for an order: less than the lowest bid so far, as far as it can go.',
  input: z.object({ shop, product, lowest: z.number().nullable() }),
  output: z.object({ shop, price: z.number() }),
  readOnly: true,
  async execute({ shop, product, lowest }, { signal }) {
    await setTimeout(shops[shop].answersAfterMs.mirror, undefined, { signal });
    const price = shops[shop].prices[product][0]!;
    const least = Math.round(price * 0.85);
    return { shop, price: lowest === null ? price : Math.max(least, Math.min(price, lowest - 1)) };
  },
});

export const requestQuote = defineTool({
  description: 'Asks a shop for a quote for a large order; it is ready later.',
  input: quote.omit({ readyAt: true }),
  output: quote,
  readOnly: true,
  duration: 'quick',
  execute: (request) => ({ ...request, readyAt: new Date(Date.now() + clerkMs).toISOString() }),
});

export const readQuote = defineTool({
  description: 'The price of one piece, in EUR; null while the quote is not ready.',
  input: quote,
  output: z.object({ pricePerPiece: z.number().nullable() }),
  readOnly: true,
  duration: 'quick',
  execute({ shop, product, amount, readyAt }) {
    if (Date.now() < Date.parse(readyAt)) return { pricePerPiece: null };
    const price = shops[shop].prices[product][0]!;
    return { pricePerPiece: amount >= 50 ? price - 4 : price };
  },
});
