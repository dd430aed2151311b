/** Titles and running texts of an answer: from what structured input says, else from a text's own sentences. */
import { wantedSentences } from '../lexicon/tasks.js';
import { hasWord, splitName } from '../schema/fieldWords.js';
import { isObject, numberKeyword, type JsonObject, type Shape } from '../schema/shape.js';
import { queryOf } from '../text/rankSentences.js';
import { summarise } from '../text/summarise.js';
import { describedAs, fieldName, fieldWords, type Scope } from '../fill/scope.js';
import { describeFigure, findText } from './readFacts.js';
import { shortTitle } from './shortTitle.js';

export function composeTitle(shape: Shape, scope: Scope): string | undefined {
  const { material, figures, index } = scope.source;
  const words = fieldWords(scope, shape);
  const { input } = material;
  const given = input && findText(input, fieldName(scope));
  if (given) return given;
  const company = (input && findText(input, 'company')) ?? figures.profile.company;
  const period = (input && findText(input, 'period')) ?? figures.profile.period;
  if (hasWord(words, 'subtitle')) return period ?? undefined;
  const kind = titleKind(`${describedAs(shape)}\n${material.instructions}`);
  if (hasWord(words, 'headline')) {
    const lead = material.facts.figures.find((one) => one.current !== null);
    if (lead)
      return [
        company,
        describeFigure({ ...lead, prior: null })
          .replace(/\.$/, '')
          .replace(/^./, (one) => (company ? one.toLowerCase() : one)),
      ]
        .filter(Boolean)
        .join(': ');
  }
  if (company) return kind ? `${company}: ${kind}` : [company, period].filter(Boolean).join(', ');
  const first = index.sentences[0];
  return first && shortTitle(first.text, 10);
}

/** The kind of document a description gives as its example: `such as TechCorp India: Investor summary`. */
function titleKind(text: string): string | null {
  return (
    /such as [^:\n]{2,40}: ([A-Z][\w ]{3,40}?)(?:[.\n"”]|$)/.exec(text)?.[1] ??
    /"([A-Z][\w ]{3,40})"/.exec(text)?.[1] ??
    null
  );
}

export function composeText(shape: Shape, scope: Scope): string | undefined {
  const words = fieldWords(scope, shape);
  const { material, index } = scope.source;
  const rewritten = rewrite(words, scope);
  if (rewritten !== undefined) return rewritten;
  const most = numberKeyword(shape, 'maxLength');
  const count =
    wantedSentences(describedAs(shape)) ??
    wantedSentences(material.instructions) ??
    (hasWord(words, 'report', 'draft', 'article', 'markdown', 'letter') ? 12 : 4);
  const told = tell(material.input, scope, count, words);
  const text =
    told ??
    summarise(
      index,
      queryOf([fieldWords(scope, shape).join(' '), 0.5], [describedAs(shape), 0.5], [material.prompt.slice(-300), 0.2]),
      count,
    )
      .map((one) => one.text)
      .join(' ');
  if (text === '') return material.text.trim().slice(0, most ?? 600) || undefined;
  return text;
}

/** From figures and lists of the input: all main figures, then what else there is, for as many sentences as wanted. */
function tell(input: JsonObject | null, scope: Scope, count: number, words: readonly string[]): string | null {
  const { facts } = scope.source.material;
  if (input === null || facts.statements.length === 0) return null;
  const copied = draftText(input, words);
  if (copied !== null) return copied;
  const main = facts.figures.filter((one) => one.isMain).map(describeFigure);
  const others = facts.statements.filter((one) => !main.includes(one.text)).map((one) => one.text);
  const wanted = [...new Set([...main, ...others])].slice(0, Math.max(count, main.length));
  return wanted.length === 0 ? null : wanted.join(' ');
}

/** A part of the same name in a draft that the input hands over: formatters keep the wording. */
function draftText(input: JsonObject, words: readonly string[]): string | null {
  const name = words.join(' ');
  for (const value of Object.values(input)) {
    if (!isObject(value)) continue;
    for (const [key, one] of Object.entries(value)) {
      if (typeof one === 'string' && one !== '' && splitName(key).join(' ') === name) return one;
    }
  }
  return null;
}

/** `enhancedText`, `rewritten`, `corrected`: the text itself with spacing and punctuation put right. */
function rewrite(words: readonly string[], scope: Scope): string | undefined {
  if (
    !hasWord(
      words,
      'enhanced',
      'improved',
      'rewritten',
      'revised',
      'corrected',
      'edited',
      'cleaned',
      'formatted',
      'polished',
    )
  )
    return undefined;
  // Ids and titles stand beside the text, before or after it.
  const [longest] = [...scope.source.material.facts.texts].sort((a, b) => b.length - a.length);
  const text = longest ?? scope.source.material.text;
  if (text.trim() === '') return undefined;
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/[ \t]+/g, ' ')
        .replace(/ ([,.;:!?])/g, '$1')
        .replace(/(^|[.!?]\s+)([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())
        .trim(),
    )
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim();
}
