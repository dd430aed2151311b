/** Advice on a text's form from what can be measured in it; never on its content. */
export function adviseOn(text: string, asDone = false): string[] {
  const sentences = text
    .slice(0, 100_000)
    .split(/[.!?]+(?:\s|$)/)
    .filter((one) => one.trim() !== '');
  const words = text.match(/\p{L}[\p{L}’'-]*/gu) ?? [];
  const average = words.length / Math.max(1, sentences.length);
  const advice: [boolean, string, string][] = [
    [average > 22, `Shorten sentences: they average ${Math.round(average)} words.`, 'Shortened long sentences.'],
    [words.length < 150, `Add detail: the text has only ${words.length} words.`, 'Kept the text short.'],
    [!/^#|\n#/.test(text) && words.length > 120, 'Add headings to structure the text.', 'Added structure.'],
    [
      /\b(?:was|were|been|being|is|are)\s+\w+ed\b/i.test(text),
      'Replace passive constructions with active ones.',
      'Reviewed passive constructions.',
    ],
    [!/\d/.test(text), 'Support statements with figures or examples.', 'Reviewed statements without figures.'],
    [!/https?:\/\//.test(text), 'Link to sources.', 'Checked sources.'],
    [true, 'Proofread spelling and punctuation.', 'Normalised spacing and punctuation.'],
  ];
  return advice.flatMap(([applies, suggestion, done]) => (applies ? [asDone ? done : suggestion] : []));
}
