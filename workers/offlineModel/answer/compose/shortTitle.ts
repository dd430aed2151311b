/** A sentence in a few words: up to its first clause, at most eight words, without filler at either end. */
export function shortTitle(text: string, most = 8): string {
  const named = /^([^:.]{3,60}):\s/.exec(text)?.[1];
  const clause =
    named ??
    text.split(/[,;:.(–—]\s|\s[–—-]\s|\b(?:which|because|although|while|due to|could|may|might|would)\b/)[0] ??
    text;
  const source = clause.trim().split(/\s+/).length >= 2 ? clause : text;
  const words = source
    .trim()
    .replace(/[.!?]+$/, '')
    .split(/\s+/);
  let kept = words.slice(0, most);
  while (
    kept.length > 2 &&
    /^(?:the|a|an|of|in|on|at|to|for|and|or|with|by|from|as|that|our|its|is|are|was|were|has|have|be|also)$/i.test(
      kept[kept.length - 1] ?? '',
    )
  )
    kept = kept.slice(0, -1);
  while (kept.length > 2 && /^(?:the|a|an|and|also|however|in addition|furthermore)$/i.test(kept[0] ?? ''))
    kept = kept.slice(1);
  const title = kept.join(' ').replace(/[,;:]$/, '');
  return title.charAt(0).toUpperCase() + title.slice(1);
}
