/** Flesch reading ease, 0 (hard) to 100 (easy); syllables by vowel groups. */
export function readability(text: string): number {
  const sample = text.slice(0, 100_000);
  const words = sample.match(/[A-Za-z][A-Za-z’'-]*/g) ?? [];
  if (words.length === 0) return 0;
  const sentences = Math.max(1, sample.match(/[.!?]+(?:\s|$)/g)?.length ?? 1);
  const syllables = words.reduce(
    (sum, word) =>
      sum +
      Math.max(
        1,
        (
          word
            .toLowerCase()
            .replace(/e$/, '')
            .match(/[aeiouy]+/g) ?? []
        ).length,
      ),
    0,
  );
  const score = 206.835 - 1.015 * (words.length / sentences) - 84.6 * (syllables / words.length);
  return Math.round(Math.min(100, Math.max(0, score)) * 10) / 10;
}
