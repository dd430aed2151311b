/** Three shops that exist nowhere else: what they ask for a product day by day, and how long they take to answer. */
export const shopNames = ['harbour', 'mill', 'attic'] as const;
export type ShopName = (typeof shopNames)[number];
export type Product = 'kettle' | 'lamp';

interface Shop {
  /** How long each of its servers takes. */
  answersAfterMs: { main: number; mirror: number };
  /** EUR, from today on; the last one stays. */
  prices: Record<Product, readonly number[]>;
}

export const shops: Record<ShopName, Shop> = {
  harbour: {
    answersAfterMs: { main: 100, mirror: 100 },
    prices: { kettle: [39, 37, 36, 34, 31], lamp: [24, 24, 22] },
  },
  mill: {
    answersAfterMs: { main: 700, mirror: 700 },
    prices: { kettle: [41, 40], lamp: [21, 23] },
  },
  // Its main server is overloaded.
  attic: {
    answersAfterMs: { main: 20_000, mirror: 100 },
    prices: { kettle: [36, 38], lamp: [26, 25] },
  },
};

export const dataSheets: Record<Product, { weightKg: number; reviews: readonly string[] }> = {
  kettle: { weightKg: 1.4, reviews: ['Boils a litre in three minutes.', 'The lid is stiff at first.'] },
  lamp: { weightKg: 2.2, reviews: ['A warm light for reading.', 'The cable could be longer.'] },
};
