/** Strings by what the field names: entities of the report, formats, titles, texts, labelled values. */

import { queryOf, rankSentences } from '../text/rankSentences.js';
import { readPeriods } from '../text/readPeriods.js';
import { scanNumbers } from '../text/scanNumbers.js';
import { findFormat } from '../schema/formats.js';
import { matchesPattern } from '../schema/isValid.js';
import { contentWords, hasWord, splitName } from '../schema/fieldWords.js';
import { textKeyword, type Shape } from '../schema/shape.js';
import { describeFigure, findText } from '../compose/readFacts.js';
import { describeScale } from '../compose/describeScale.js';
import { composeText, composeTitle } from '../compose/composeText.js';
import { shortTitle } from '../compose/shortTitle.js';
import { themes, countCues } from '../lexicon/cues.js';
import { labelledValue } from './labelledValue.js';
import { describedAs, fieldName, fieldWords, textOf, type Filled, type Scope } from './scope.js';

export function fillString(shape: Shape, scope: Scope): Filled {
  const words = fieldWords(scope, shape);
  const format = textKeyword(shape, 'format');
  if (format !== '') return findFormat(textOf(scope), format)[0] ?? dateFor(format, scope);
  if (hasWord(words, 'url', 'uri', 'link', 'website')) return findFormat(textOf(scope), 'uri')[0];
  if (hasWord(words, 'email', 'mail') && !hasWord(words, 'subject', 'body', 'text'))
    return findFormat(textOf(scope), 'email')[0];
  const given = scope.item || isBody(words) ? undefined : copiedFromInput(scope);
  if (given !== undefined) return given;
  const entity = scope.item ? undefined : fillEntity(words, scope);
  if (entity !== undefined) return entity ?? undefined;
  const pattern = textKeyword(shape, 'pattern');
  if (pattern !== '') return findPattern(textOf(scope), pattern, words, scope);
  if (scope.item) return fillItemString(words, shape, scope);
  if (isHeading(words)) return headingFrom(words, shape) ?? composeTitle(shape, scope);
  if (isTitle(words)) return composeTitle(shape, scope);
  const theme = themes.find((one) => words.some((word) => one.field.test(word)));
  if (theme) return themed(shape, scope, theme.cue);
  if (isBody(words)) return composeText(shape, scope);
  const labelled = labelledValue(words, scope.source.document.lines);
  if (labelled) return labelled.text;
  return bestSentence(shape, scope) ?? (shape.nullable ? undefined : shortAnswer(words, scope));
}

const longestCopiedText = 300;

/** A field the answer shares with the input by name: `{name, greeting}` out of `{name}`. */
function copiedFromInput(scope: Scope): string | undefined {
  const { input } = scope.source.material;
  const found = input && scope.path.length === 1 ? findText(input, fieldName(scope)) : null;
  return found !== null && found !== undefined && found.length <= longestCopiedText ? found : undefined;
}

/** An input of a few words has no sentence to choose: its words are the answer, after a salutation where one is asked for. */
function shortAnswer(words: readonly string[], scope: Scope): string | undefined {
  const { input } = scope.source.material;
  if (typeof input !== 'object' || input === null || Array.isArray(input)) return undefined;
  const texts = Object.values(input).filter((value) => typeof value === 'string');
  const joined = texts.join(', ');
  if (joined === '' || joined.length > longestCopiedText / 3) return undefined;
  return hasWord(words, 'greeting', 'welcome', 'salutation') ? `Hello, ${joined}!` : joined;
}

/** undefined: no such kind of field; null: such a field, and the text does not say. */
function fillEntity(words: readonly string[], scope: Scope): string | null | undefined {
  const profile = scope.source.figures.profile;
  const { input } = scope.source.material;
  if (
    hasWord(words, 'company', 'organization', 'organisation', 'issuer', 'registrant', 'employer') &&
    words.length <= 2
  )
    return profile.company ?? (input && findText(input, 'company'));
  if (hasWord(words, 'period', 'quarter') && words.length <= 3)
    return profile.period ?? (input && findText(input, 'period'));
  if (hasWord(words, 'currency')) return profile.currency ?? (input && findText(input, 'currency'));
  if ((hasWord(words, 'unit') && words.length === 1) || hasWord(words, 'scale'))
    return scope.source.figures.scale ?? (input && findText(input, 'unit'));
  if (hasWord(words, 'language', 'locale') && words.length <= 2)
    return /\b(?:the|and|of|is)\b/i.test(scope.source.wholeText) ? 'en' : null;
  return undefined;
}

function dateFor(format: string, scope: Scope): string | undefined {
  if (format !== 'date') return undefined;
  const token = readPeriods(textOf(scope).slice(0, 50_000)).find(
    (one) => one.kind === 'date' && one.day !== null && one.year !== null,
  );
  if (token?.kind !== 'date') return undefined;
  return `${token.year}-${String(token.month).padStart(2, '0')}-${String(token.day).padStart(2, '0')}`;
}

/** A token of the text that the pattern accepts whole; tried on the first 5,000 tokens. */
function findPattern(text: string, pattern: string, words: readonly string[], scope: Scope): string | undefined {
  const labelled = labelledValue(words, scope.source.document.lines)?.text;
  if (labelled !== undefined && matchesPattern(labelled, pattern)) return labelled;
  if (matchesPattern('', pattern)) return undefined;
  const tokens = text
    .slice(0, 60_000)
    .split(/[\s,;()"'<>]+/)
    .slice(0, 5_000);
  return tokens
    .map((token) => token.replace(/[.:!?]+$/, ''))
    .find((token) => token !== '' && token.length <= 100 && matchesPattern(token, pattern));
}

const isTitle = (words: readonly string[]): boolean =>
  hasWord(words, 'title', 'headline', 'subject', 'subtitle', 'heading');
const isHeading = (words: readonly string[]): boolean => hasWord(words, 'heading') && words.length > 1;
const isBody = (words: readonly string[]): boolean =>
  hasWord(
    words,
    'summary',
    'report',
    'draft',
    'text',
    'body',
    'content',
    'overview',
    'abstract',
    'description',
    'analysis',
    'answer',
    'response',
    'reply',
    'output',
    'result',
    'conclusion',
    'narrative',
    'article',
    'message',
    'brief',
    'synthesis',
    'explanation',
    'post',
    'paragraph',
    'statement',
    'insight',
    'assessment',
    'rationale',
    'reasoning',
    'story',
    'review',
    'letter',
    'markdown',
    'html',
  );

/** `risksHeading`: the description's own example ("such as Risks"), else the words before. */
function headingFrom(words: readonly string[], shape: Shape): string | undefined {
  const example = /\bsuch as\s+["“]?([^."”]{2,60})/.exec(describedAs(shape))?.[1];
  if (example) return example.trim();
  const text = words.filter((word) => word !== 'heading' && word !== 'title').join(' ');
  return text === '' ? undefined : text.charAt(0).toUpperCase() + text.slice(1);
}

/** A text on a theme (outlook, causes): its sentences, when the document has any. */
function themed(shape: Shape, scope: Scope, cue: RegExp): string | undefined {
  const query = queryOf([fieldWords(scope, shape).join(' '), 2], [describedAs(shape), 0.3]);
  const ranked = rankSentences(scope.source.index, query, (sentence) => (countCues(sentence.text, cue) > 0 ? 1 : -20));
  const chosen = ranked.slice(0, 2).sort((a, b) => a.sentence.index - b.sentence.index);
  return chosen.length === 0 ? undefined : chosen.map((one) => one.sentence.text).join(' ');
}

function bestSentence(shape: Shape, scope: Scope): string | undefined {
  const query = queryOf([fieldWords(scope, shape).join(' '), 2], [describedAs(shape), 0.5]);
  const best = rankSentences(scope.source.index, query)[0];
  return best && best.score > 2.5 ? best.sentence.text : undefined;
}

/** A field of a list's entry: its title, its text, or a word of its own kind. */
function fillItemString(words: readonly string[], shape: Shape, scope: Scope): Filled {
  const { item } = scope;
  const figure = item?.figure;
  if (figure) {
    if (hasWord(words, 'unit', 'scale')) return figure.unit ?? describeScale(figure.currency, null) ?? undefined;
    if (hasWord(words, 'currency')) return figure.currency ?? undefined;
    if (hasWord(words, 'name', 'metric', 'title', 'label', 'heading', 'topic', 'kpi', 'indicator')) return figure.title;
    return describeFigure(figure);
  }
  const text = item?.object
    ? objectText(item.object)
    : (item?.sentence?.text ?? item?.sentences.map((one) => one.text).join(' ') ?? '');
  if (text === '') return undefined;
  const list =
    scope.path.length > 1
      ? splitName(scope.path[scope.path.length - 2] ?? '').map((word) => word.replace(/s$/, ''))
      : [];
  if (
    hasWord(
      words,
      'title',
      'name',
      'label',
      'heading',
      'headline',
      'topic',
      'factor',
      'metric',
      'theme',
      'subject',
      'category',
      'area',
      'keyword',
    )
  )
    return item?.heading ?? shortTitle(text);
  if (hasWord(words, 'unit'))
    return (
      scanNumbers(text).find((one) => !one.percent && (one.scale ?? one.currency))?.scale ??
      (scanNumbers(text).some((one) => one.percent) ? '%' : undefined)
    );
  if (hasWord(words, 'value', 'amount', 'figure')) return scanNumbers(text)[0]?.raw;
  if (hasWord(words, 'company', 'organization', 'person', 'owner', 'assignee', 'author', 'speaker', 'customer'))
    return /\b([A-Z][a-z]+(?:\s[A-Z][a-z]+)*)\s(?:will|to|should|shall|is|said|asked)\b/.exec(text)?.[1];
  if (hasWord(words, 'date', 'deadline', 'due', 'when', 'period')) {
    const token = readPeriods(text).find((one) => one.kind === 'date' || one.kind === 'quarter');
    return token
      ? text.slice(token.start, token.end).trim()
      : /\bby ((?:end of )?(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|tomorrow|next \w+|end of \w+)/i.exec(text)?.[1];
  }
  if (hasWord(words, 'id', 'key', 'uuid', 'identifier'))
    return /\b[A-Z]{2,}-\d+\b|#\d+\b/.exec(text)?.[0] ?? `${list[0] ?? 'item'}-${(item?.index ?? 0) + 1}`;
  if (hasWord(words, 'source', 'reference', 'citation')) return item?.page == null ? undefined : `page ${item.page}`;
  if (list.length > 0 && words.every((word) => list.includes(word))) return text;
  if (
    isBody(words) ||
    hasWord(
      words,
      'evidence',
      'quote',
      'excerpt',
      'sentence',
      'detail',
      'details',
      'reason',
      'why',
      'comment',
      'task',
      'action',
      'question',
      'point',
      'fact',
      'claim',
      'note',
      'observation',
      'finding',
      'step',
      'instruction',
      'objective',
      'goal',
      'input',
      'trend',
      'risk',
    )
  )
    return text;
  return nearby(words, shape, scope);
}

function objectText(object: { readonly [key: string]: unknown }): string {
  for (const key of [
    'text',
    'statement',
    'evidence',
    'description',
    'detail',
    'details',
    'summary',
    'body',
    'content',
    'reason',
    'title',
    'name',
  ]) {
    const value = object[key];
    if (typeof value === 'string' && value !== '') return value;
  }
  return '';
}

/** Mitigations, impacts and the like: a sentence close by that speaks of the field's own theme. */
function nearby(words: readonly string[], shape: Shape, scope: Scope): string | undefined {
  const at = scope.item?.sentence?.index;
  const theme = themes.find((one) => words.some((word) => one.field.test(word)));
  if (at === undefined || (!theme && fieldName(scope) === '')) return undefined;
  const stems = new Set(contentWords(`${words.join(' ')}`));
  const around = scope.source.document.sentences.slice(at, at + 3);
  return (
    around.find((one) =>
      theme ? countCues(one.text, theme.cue) > 0 : contentWords(one.text).some((word) => stems.has(word)),
    )?.text ?? (describedAs(shape) === '' ? undefined : undefined)
  );
}
