/** An answer in free text: what the input says of the question, in its own sentences. */
import type { Source } from '../fill/scope.js';
import { wantedSentences } from '../lexicon/tasks.js';
import { queryOf } from '../text/rankSentences.js';
import { summarise } from '../text/summarise.js';
import { describeFigure } from './readFacts.js';

const nothing =
  'The conversation gives no text to answer from. This is the offline model: it only repeats what it is given.';

export function composeReply(source: Source): string {
  const { material } = source;
  const count = wantedSentences(`${material.prompt.slice(0, 2_000)}\n${material.instructions}`) ?? 4;
  const figures = material.facts.figures.filter((one) => one.isMain).map(describeFigure);
  const query = queryOf([material.prompt.slice(0, 1_000), 0.6]);
  const sentences = summarise(source.index, query, count).map((one) => one.text);
  const parts = [...figures, ...sentences.filter((text) => !figures.includes(text))].slice(
    0,
    Math.max(count, figures.length),
  );
  return parts.length > 0 ? parts.join(' ') : material.text.trim().slice(0, 600) || nothing;
}
