/**
 * Looks for what pii and secrets rules name in texts.
 *
 * Invariants:
 * 1. A long text is read in windows that overlap, with the event loop let through between them: what is found is shorter than the
 *    overlap, or (private keys) looked for in the whole.
 * 2. The texts of a value are read as one, with lines between them: a library is asked once and not for each of a thousand texts. What
 *    is found across such a border counts in each of the texts it touches.
 * 3. Whoever scans gives a deadline; a text that is not through by then is not taken for clean.
 */
import { setImmediate } from 'node:timers/promises';
import { type Guardrail, personalDataKinds } from '../../core/guardrails.js';
import { findPrivateKeys, secretFinder } from './findSecrets.js';
import { personalDataFinders } from './personalData.js';
import { isRedacted, joined, replaceSpans, type Span } from './spans.js';

export type TextRule = Extract<Guardrail, { check: 'pii' | 'secrets' }>;
/** Of each text its findings. */
export type TextScanner = (texts: readonly string[], deadlineMs: number) => Promise<Span[][]>;

const windowChars = 16_000;
const overlapChars = 4_000;
/** The event loop is let through at least this often, unless one window takes longer. */
const longestTurnMs = 20;
/** Anything shorter holds no finding. */
const shortestFinding = 6;

export class OutOfTime extends Error {}

type WindowFinder = (text: string) => Span[] | Promise<Span[]>;

const scanners = new Map<string, Promise<TextScanner>>();

/** Made once for all rules that look for the same. */
export function scannerOf(rule: TextRule): Promise<TextScanner> {
  const key = rule.check === 'pii' ? JSON.stringify([rule.kinds ?? 'all', rule.country]) : rule.check;
  const known = scanners.get(key);
  if (known) return known;
  const made = createScanner(rule);
  scanners.set(key, made);
  // A library that could not be loaded is tried again by the next call.
  made.catch(() => scanners.delete(key));
  return made;
}

async function createScanner(rule: TextRule): Promise<TextScanner> {
  if (rule.check === 'secrets') return scanWith([await secretFinder()], findPrivateKeys);
  return scanWith(await personalDataFinders(rule.kinds ?? personalDataKinds, rule.country), () => []);
}

function scanWith(finders: readonly WindowFinder[], findInWhole: (text: string) => Span[]): TextScanner {
  return async (texts, deadlineMs) => {
    const found = texts.map((): Span[] => []);
    const text = texts.join(border);
    let index = 0;
    let begin = 0;
    for (const { start, end, label } of await scanText(text, finders, findInWhole, deadlineMs)) {
      while (start >= begin + texts[index]!.length + border.length) begin += texts[index++]!.length + border.length;
      for (let at = index, from = begin; at < texts.length && from < end; at += 1) {
        const length = texts[at]!.length;
        const part = { start: Math.max(0, start - from), end: Math.min(length, end - from), label };
        if (part.end > part.start) found[at]!.push(part);
        from += length + border.length;
      }
    }
    return found;
  };
}

const border = '\n\n';

async function scanText(
  text: string,
  finders: readonly WindowFinder[],
  findInWhole: (text: string) => Span[],
  deadlineMs: number,
): Promise<Span[]> {
  if (text.length < shortestFinding) return [];
  const spans = findInWhole(text);
  let turnEndsMs = performance.now() + longestTurnMs;
  for (let from = 0; ; from += windowChars - overlapChars) {
    const window = text.slice(from, from + windowChars);
    for (const find of finders) {
      const found = await find(window);
      spans.push(...found.map(({ start, end, label }) => ({ start: start + from, end: end + from, label })));
    }
    const nowMs = performance.now();
    if (nowMs > deadlineMs) throw new OutOfTime();
    if (from + windowChars >= text.length) break;
    if (nowMs < turnEndsMs) continue;
    await setImmediate();
    turnEndsMs = performance.now() + longestTurnMs;
  }
  return joined(spans.filter(({ start, end }) => !isRedacted(text.slice(start, end))));
}

/** What is redacted in one go may bring together what becomes a finding by that. */
const mostPasses = 5;

/**
 * The texts with every finding replaced by its label.
 *
 * @returns the findings, too; `left`: there are some that no replacing removes
 */
export async function redact(
  texts: readonly string[],
  scan: TextScanner,
  deadlineMs: number,
): Promise<{ texts: readonly string[]; found: Span[][]; left: boolean }> {
  const all = texts.map((): Span[] => []);
  for (let pass = 0; pass < mostPasses; pass += 1) {
    const found = await scan(texts, deadlineMs);
    if (found.every((spans) => spans.length === 0)) return { texts, found: all, left: false };
    found.forEach((spans, index) => all[index]!.push(...spans));
    texts = texts.map((text, index) => replaceSpans(text, found[index]!));
  }
  return { texts, found: all, left: true };
}
