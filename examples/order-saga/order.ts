import { z } from 'zod';

export const order = z.object({
  id: z.string().min(1).max(60),
  product: z.string().min(1),
  pieces: z.number().int().positive(),
  usd: z.number().positive(),
  card: z.enum(['good', 'declined']),
  /** Express picks up at once, freight says later when it comes, and none goes where the customer lives. */
  carrier: z.enum(['express', 'freight', 'none']),
  /** To the shop. A bad one loses the first answer to each request, when the shop has already done what it was asked. */
  connection: z.enum(['good', 'bad']),
});

export type Order = z.output<typeof order>;
