/**
 * What a structured input says: its figures, and a sentence for each thing it holds, with the page it names.
 *
 * Invariants:
 * 1. Every number in a statement stands in the input; nothing is derived but the wording.
 * 2. Nulls say nothing: an absent figure gives no statement.
 */
import { financeConcepts } from '../lexicon/finance.js';
import { splitName } from '../schema/fieldWords.js';
import { isObject, type Json, type JsonObject } from '../schema/shape.js';
import { formatAmount, formatNumber } from './formatAmount.js';

export interface KnownFigure {
  /** The property or name it came under. */
  readonly key: string;
  readonly title: string;
  /** Under a property of its own (`revenue`), rather than an entry of a list that names itself. */
  readonly isMain: boolean;
  readonly current: number | null;
  readonly prior: number | null;
  readonly growthPercent: number | null;
  readonly currency: string | null;
  readonly unit: string | null;
  readonly page: number | null;
}

export interface Statement {
  readonly text: string;
  readonly page: number | null;
  /** The property names that lead to it. */
  readonly path: readonly string[];
  readonly object: JsonObject | null;
}

export interface Facts {
  readonly figures: readonly KnownFigure[];
  readonly statements: readonly Statement[];
  /** Long strings, to be read as documents. */
  readonly texts: readonly string[];
}

const bodyKeys = [
  'text',
  'statement',
  'description',
  'evidence',
  'detail',
  'details',
  'explanation',
  'summary',
  'quote',
  'body',
  'content',
  'message',
  'comment',
];
const nameKeys = ['title', 'name', 'metric', 'risk', 'trend', 'heading', 'label', 'topic', 'headline', 'category'];
const silentKeys =
  /^(?:company|period|id|uuid|sha256|url|uri|href|currency|unit|page|pages|source|version|type|kind|model|round|bytes|mediatype|seed|locale|language)$/i;

export function readFacts(input: Json): Facts {
  const figures: KnownFigure[] = [];
  const statements: Statement[] = [];
  const texts: string[] = [];
  const money = { currency: findText(input, 'currency'), unit: findText(input, 'unit') };
  visit(input, [], 0);
  return { figures, statements, texts };

  function visit(value: Json, path: readonly string[], depth: number): void {
    if (depth > 12 || statements.length > 5_000) return;
    const key = path[path.length - 1] ?? '';
    if (typeof value === 'string') return visitText(value, key, path);
    if (typeof value === 'number') {
      if (key !== '' && !silentKeys.test(key))
        statements.push({ text: `${titleOf(key)}: ${formatNumber(value)}.`, page: null, path, object: null });
      return;
    }
    if (Array.isArray(value)) {
      for (const item of value) visit(item, path, depth + 1);
      return;
    }
    if (!isObject(value)) return;
    const figure = readFigure(value, key, money);
    if (figure) {
      if (figure.current !== null || figure.growthPercent !== null) {
        figures.push(figure);
        statements.push({ text: describeFigure(figure), page: figure.page, path, object: value });
      }
      return;
    }
    const statement = path.length > 0 ? readStatement(value, path) : null;
    if (statement) statements.push(statement);
    for (const [name, one] of Object.entries(value)) {
      const isTold = statement !== null && typeof one !== 'object';
      if (!isTold) visit(one, [...path, name], depth + 1);
    }
  }

  function visitText(text: string, key: string, path: readonly string[]): void {
    if (silentKeys.test(key) || text.trim() === '') return;
    if (text.length > 160 || text.includes('\n') || path.length === 1) texts.push(text);
    else if (/\s/.test(text))
      statements.push({ text: /[.!?]$/.test(text) ? text : `${text}.`, page: null, path, object: null });
  }
}

function readFigure(
  value: JsonObject,
  key: string,
  money: { currency: string | null; unit: string | null },
): KnownFigure | null {
  const current = numberAt(value, 'current', 'value', 'amount', 'latest');
  const hasRoles = ['prior', 'previous', 'growthPercent', 'growth', 'changePercent', 'change'].some(
    (name) => name in value,
  );
  if (current === undefined || (!hasRoles && !('unit' in value && nameAt(value) !== null))) return null;
  const pages = isObject(value['pages']) ? value['pages'] : value;
  const name = nameAt(value) ?? key;
  const own = typeof value['unit'] === 'string' ? readUnit(value['unit']) : null;
  const currency = typeof value['currency'] === 'string' ? value['currency'] : money.currency;
  return {
    key: name,
    title: financeConcepts[key]?.title ?? titleOf(name),
    isMain: nameAt(value) === null,
    current,
    prior: numberAt(value, 'prior', 'previous', 'last') ?? null,
    growthPercent: numberAt(value, 'growthPercent', 'growth', 'changePercent', 'percentChange', 'change') ?? null,
    currency: own ? own.currency : currency,
    unit: own ? own.unit : money.unit,
    page: numberAt(pages, 'current', 'page') ?? numberAt(pages, 'growthPercent') ?? null,
  };
}

/** `INR crore` is a currency and a scale; `clients` is neither. */
function readUnit(text: string): { currency: string | null; unit: string | null } {
  const match = /^([A-Z]{3})(?:\s+(.+))?$/.exec(text);
  return match ? { currency: match[1] ?? null, unit: match[2] ?? null } : { currency: null, unit: text };
}

/** One sentence: the amount, its change, the amount a year before; as far as they are known. */
export function describeFigure(figure: KnownFigure): string {
  const { title, current, prior, growthPercent } = figure;
  const isPlural = /[^s]s$/.test(title);
  const change = growthPercent === null ? '' : `${formatNumber(Math.abs(growthPercent))}%`;
  if (current === null) {
    return growthPercent === 0
      ? `${title} did not change.`
      : `${title} ${(growthPercent ?? 0) > 0 ? 'rose' : 'fell'} ${change}.`;
  }
  const words = [`${title} ${isPlural ? 'were' : 'was'} ${amountText(current, figure)}`];
  if (growthPercent !== null)
    words.push(growthPercent === 0 ? 'unchanged' : `${growthPercent > 0 ? 'up' : 'down'} ${change}`);
  if (prior !== null) words.push(`against ${amountText(prior, figure)} a year before`);
  return `${words.join(', ')}.`;
}

function amountText(value: number, figure: KnownFigure): string {
  const unit =
    figure.unit !== null && figure.title.toLowerCase().includes(figure.unit.toLowerCase()) ? null : figure.unit;
  return unit?.includes('%') || unit === 'percent'
    ? `${formatNumber(value)}%`
    : formatAmount(value, figure.currency, unit);
}

function readStatement(value: JsonObject, path: readonly string[]): Statement | null {
  const name = nameAt(value);
  const body = bodyKeys
    .map((key) => value[key])
    .find((one): one is string => typeof one === 'string' && one.trim() !== '');
  if (name === null && body === undefined) return null;
  if (body !== undefined && body.length > 1_200) return null;
  const repeats =
    name !== null && body !== undefined && body.toLowerCase().startsWith(name.toLowerCase().replace(/[.…]+$/, ''));
  const text = name === null || repeats ? (body ?? '') : body === undefined ? name : `${name}: ${body}`;
  const pages = isObject(value['pages']) ? value['pages'] : value;
  return {
    text: /[.!?]["”’)]?$/.test(text) ? text : `${text}.`,
    page: numberAt(pages, 'page', 'current') ?? null,
    path,
    object: value,
  };
}

function nameAt(value: JsonObject): string | null {
  const found = nameKeys
    .map((key) => value[key])
    .find((one): one is string => typeof one === 'string' && one.trim() !== '');
  return found ?? null;
}

/** undefined when there is no such property, null when it holds no number. */
function numberAt(value: JsonObject, ...keys: readonly string[]): number | null | undefined {
  const key = keys.find((one) => one in value);
  if (key === undefined) return undefined;
  const number = value[key];
  return typeof number === 'number' ? number : null;
}

/** The first string under that name, nearest to the root. */
export function findText(input: Json, name: string): string | null {
  let level: Json[] = [input];
  for (let depth = 0; depth < 4; depth += 1) {
    const next: Json[] = [];
    for (const value of level) {
      if (!isObject(value)) continue;
      const one = value[name];
      if (typeof one === 'string' && one !== '') return one;
      next.push(...Object.values(value));
    }
    level = next;
  }
  return null;
}

export function titleOf(key: string): string {
  const words = splitName(key).join(' ');
  return /\s|[A-Z].*[a-z]/.test(key) && !/^[a-z]+[A-Z]/.test(key)
    ? key
    : words.charAt(0).toUpperCase() + words.slice(1);
}
