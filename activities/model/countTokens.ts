/**
 * Tokens of texts as OpenAI's models since gpt-4o count them (encoding o200k_base).
 *
 * Invariants:
 * 1. It never counts fewer than there are. Pieces of over {@link longestPiece} characters count their bytes: a token is at least one byte,
 *    and the work of merging a piece grows with the square of its length.
 * 2. The event loop is held for about {@link sliceMs} at a time, whatever the texts are and however many.
 */
import { setImmediate } from 'node:timers/promises';

const longestPiece = 100;
const sliceMs = 10;
/** Work between two looks at the clock, at most a few milliseconds: a piece is its length squared and what even a short one takes. */
const workPerLook = 60_000;
const workPerPiece = 400;
/** Of pieces that were merged before. */
const rememberedPieces = 20_000;
/** Of texts that were counted before: a conversation is sent again at each turn, and only its end is new. */
const rememberedChars = 8_000_000;

interface Encoding {
  /** What is merged on its own. */
  pieces: RegExp;
  count(piece: string): number;
}

let loading: Promise<Encoding> | undefined;

/** With the first text, as its table takes time and memory that a worker of other models does not need. */
async function load(): Promise<Encoding> {
  const [encoding, { O200K_TOKEN_SPLIT_REGEX: pieces }] = await Promise.all([
    import('gpt-tokenizer/encoding/o200k_base'),
    import('gpt-tokenizer/encodingParams/constants'),
  ]);
  encoding.setMergeCacheSize(rememberedPieces);
  return { pieces, count: encoding.countTokens };
}

const counted = new Map<string, number>();
let countedChars = 0;

export async function countTokens(text: string): Promise<number> {
  const known = counted.get(text);
  if (known !== undefined) return known;
  const tokens = await countPieces(text);
  if (!counted.has(text)) countedChars += text.length;
  counted.set(text, tokens);
  for (const oldest of counted.keys()) {
    if (countedChars <= rememberedChars) break;
    counted.delete(oldest);
    countedChars -= oldest.length;
  }
  return tokens;
}

async function countPieces(text: string): Promise<number> {
  const { pieces, count } = await (loading ??= load());
  let tokens = 0;
  let work = workPerLook;
  for (const [piece] of text.matchAll(pieces)) {
    if (work >= workPerLook) {
      work = 0;
      if (performance.now() >= sliceEndMs) await nextSlice();
    }
    tokens += piece.length > longestPiece ? Buffer.byteLength(piece) : count(piece);
    work += piece.length ** 2 + workPerPiece;
  }
  return tokens;
}

let sliceEndMs = 0;
let lastInLine: Promise<unknown> = Promise.resolve();

/** One slice in a round of the event loop, however many calls are counting. */
async function nextSlice(): Promise<void> {
  lastInLine = lastInLine.then(() => setImmediate());
  await lastInLine;
  sliceEndMs = performance.now() + sliceMs;
}
