/** The words of a property name or title, lower case: `netIncomePct` is net, income, pct. */
export function splitName(name: string): string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}

export function hasWord(words: readonly string[], ...wanted: readonly string[]): boolean {
  return words.some((word) => wanted.includes(word));
}

const stopWords = new Set(
  'a an the of in on at to for from by with and or nor but if then than as is are was were be been being it its this that these those there here which who whom whose what when where why how not no do does did done can could may might must shall should will would has have had having i me my we us our you your he him his she her they them their one two each every any all some such only own same so too very more most other into over under about between through during before after above below up down out off again further once also null none string number boolean value field one-line'.split(
    ' ',
  ),
);

export function isStopWord(word: string): boolean {
  return stopWords.has(word);
}

/** Crude and safe: enough that `risks` meets `risk` and `declining` meets `declined`. */
export function stem(word: string): string {
  if (word.length <= 3) return word;
  const stemmed = word
    .replace(/(?:ies)$/, 'y')
    .replace(/(?:sses)$/, 'ss')
    .replace(/([^su])s$/, '$1')
    .replace(/(?:ing|ed|ly|ment|ments)$/, '');
  return stemmed.length >= 3 ? stemmed.replace(/e$/, '') : word;
}

/** Words that carry meaning, stemmed. A cache spares long texts stemming the same word again. */
export function contentWords(text: string, cache = new Map<string, string>()): string[] {
  const stems: string[] = [];
  for (const word of text.toLowerCase().match(/[\p{L}][\p{L}\p{N}’'-]{1,40}/gu) ?? []) {
    let known = cache.get(word);
    if (known === undefined) {
      known = stopWords.has(word) ? '' : stem(word.replace(/[’']s$/, ''));
      cache.set(word, known);
    }
    if (known !== '') stems.push(known);
  }
  return stems;
}
