/**
 * Verdicts on a draft: `{acceptable, feedback}` under whatever names.
 *
 * Invariants:
 * 1. With facts in the input: a draft is rejected for a main figure of the facts it lacks, and for a figure it has and
 *    the facts have not; for nothing else but emptiness.
 * 2. Accepted means no feedback.
 */
import { formatAmount } from '../compose/tableCells.js';
import { readFacts } from '../compose/readFacts.js';
import { hasWord, splitName } from '../schema/fieldWords.js';
import { fitNumber } from '../schema/defaultValue.js';
import { isObject, propertiesOf, shapeOf, type Json, type JsonObject, type Shape } from '../schema/shape.js';
import { scanNumbers } from '../text/scanNumbers.js';
import type { Filled, Scope } from './scope.js';

const verdictWords = [
  'acceptable',
  'accept',
  'accepted',
  'approve',
  'approved',
  'pass',
  'passed',
  'passes',
  'ok',
  'satisfactory',
  'publishable',
  'valid',
];
const reasonWords = [
  'feedback',
  'comments',
  'comment',
  'issues',
  'problems',
  'reasons',
  'reason',
  'suggestions',
  'corrections',
  'changes',
  'notes',
  'critique',
  'explanation',
];
const draftKeys =
  /^(?:draft|report|output|answer|candidate|submission|work|result|response|article|document|proposal|content|text|message|summary|code)$/i;

export function isReviewShape(shape: Shape, scope: Scope): boolean {
  const properties = propertiesOf(shape);
  const verdict = properties.some(
    ([name, part]) => hasWord(splitName(name), ...verdictWords) && shapeOf(part, scope.source.root).kind === 'boolean',
  );
  return verdict && scope.path.length === 0 && properties.some(([name]) => hasWord(splitName(name), ...reasonWords));
}

export function fillReview(shape: Shape, scope: Scope): { [name: string]: Filled } {
  const { input, prompt } = scope.source.material;
  const faults = findFaults(input, prompt);
  const filled: { [name: string]: Filled } = {};
  for (const [name, part] of propertiesOf(shape)) {
    const child = shapeOf(part, scope.source.root);
    const words = splitName(name);
    if (child.kind === 'boolean' && hasWord(words, ...verdictWords)) filled[name] = faults.length === 0;
    else if (hasWord(words, ...reasonWords))
      filled[name] = child.kind === 'array' ? stringsOnly(child, scope, faults) : faults.join(' ');
    else if (child.kind === 'number' || child.kind === 'integer') filled[name] = rate(child, faults.length);
  }
  return filled;
}

function stringsOnly(shape: Shape, scope: Scope, faults: readonly string[]): Filled {
  const item = shapeOf(shape.schema['items'], scope.source.root);
  const most = typeof shape.schema['maxItems'] === 'number' ? shape.schema['maxItems'] : 20;
  if (item.kind === 'string') return faults.slice(0, most);
  const name = propertiesOf(item).find(([, part]) => shapeOf(part, scope.source.root).kind === 'string')?.[0];
  return name === undefined ? undefined : faults.slice(0, most).map((fault) => ({ [name]: fault }));
}

function rate(shape: Shape, faults: number): number {
  const top = typeof shape.schema['maximum'] === 'number' ? shape.schema['maximum'] : 1;
  return fitNumber(top * Math.max(0, 0.9 - 0.2 * faults), shape);
}

function findFaults(input: JsonObject | null, prompt: string): string[] {
  const draft = input === null ? prompt : draftOf(input);
  const text = typeof draft === 'string' ? draft : textsOf(draft).join('\n');
  const faults: string[] = [];
  if (text.trim().length < 20) return ['The draft is empty: write it in full.'];
  const placeholder = /\b(?:TODO|TBD|lorem ipsum|XXX)\b|\[(?:insert|placeholder)[^\]]*\]/i.exec(text)?.[0];
  if (placeholder) faults.push(`Replace the placeholder "${placeholder}".`);
  if (input === null) return faults;
  const reference = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== draft));
  return [
    ...faults,
    ...missingFigures(reference, text),
    ...inventedFigures(reference, textsOf(withoutQuotes(draft)).join('\n')),
  ];
}

function draftOf(input: JsonObject): Json {
  const named =
    Object.entries(input).find(([key]) => /draft/i.test(key)) ??
    Object.entries(input).find(([key]) => draftKeys.test(key));
  return named?.[1] ?? Object.values(input)[0] ?? '';
}

function textsOf(value: Json): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return isObject(value)
    ? Object.entries(value).flatMap(([key, one]) => (/^pages?$/i.test(key) ? [] : textsOf(one)))
    : [];
}

/** The facts' own figures (not the long lists of metrics) that the draft does not give. */
function missingFigures(reference: JsonObject, text: string): string[] {
  const figures = readFacts(reference).figures.filter((one) => one.isMain);
  const present = numbersOf(text);
  return figures.flatMap((figure) => {
    const lacks: string[] = [];
    if (figure.current !== null && !present.has(Math.abs(figure.current)))
      lacks.push(formatAmount(figure.current, figure));
    if (figure.growthPercent !== null && !present.has(Math.abs(figure.growthPercent)))
      lacks.push(`the change of ${figure.growthPercent}%`);
    return lacks.length > 0 ? [`${figure.title}: state ${lacks.join(' and ')}.`] : [];
  });
}

/** Risks and outlook quote the document, which knows more figures than the facts do. */
function withoutQuotes(draft: Json): Json {
  return isObject(draft)
    ? Object.fromEntries(Object.entries(draft).filter(([key]) => !/risk|outlook|quote|evidence/i.test(key)))
    : draft;
}

/** Money and percentages of the draft that stand nowhere in the material it was written from. */
function inventedFigures(reference: JsonObject, text: string): string[] {
  const known = numbersOf(textsOf(reference).join('\n'));
  if (known.size === 0) return [];
  const strange = scanNumbers(text).filter(
    (one) => (one.percent || one.currency !== null || one.scale !== null) && !known.has(Math.abs(one.value)),
  );
  return [...new Set(strange.map((one) => one.raw))]
    .slice(0, 5)
    .map((raw) => `The facts do not have ${raw}: remove or correct it.`);
}

function numbersOf(text: string): Set<number> {
  return new Set(scanNumbers(text).map((one) => Math.abs(one.value)));
}
