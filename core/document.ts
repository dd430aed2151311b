import { z } from 'zod';

/** A file by its content: the bytes live in the ledger, runs and histories carry only this. */
export const documentRefSchema = z.strictObject({
  /** SHA-256 of the bytes, lower-case hexadecimal. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 in lower-case hexadecimal'),
  mediaType: z.string().min(1).max(255),
  bytes: z.number().int().nonnegative(),
  /** The file's name where it came from, for people; never part of its identity. */
  name: z.string().max(255).optional(),
});
export type DocumentRef = z.infer<typeof documentRefSchema>;
