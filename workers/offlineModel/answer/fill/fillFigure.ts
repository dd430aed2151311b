/**
 * Objects and numbers that stand for a quantity: `{current, prior, growthPercent, pages}`, `revenue`, `revenueGrowth`.
 *
 * Invariants:
 * 1. A role the document does not state stays empty; only growth is computed, and only from two stated amounts.
 * 2. `pages` mirrors its siblings: each entry is the page its sibling's value was read from.
 */
import type { Amount, Figure } from '../figures/figure.js';
import { conceptFor } from '../figures/findFigure.js';
import { findScale } from '../figures/findScale.js';
import { scaleFactor, type Scale } from '../lexicon/money.js';
import { hasWord, splitName } from '../schema/fieldWords.js';
import { fitNumber } from '../schema/defaultValue.js';
import { propertiesOf, shapeOf, type Json, type Shape } from '../schema/shape.js';
import { describedAs, fieldName, type Filled, type Scope } from './scope.js';

export type Role = 'current' | 'prior' | 'growthPercent';

export function roleOf(name: string): Role | null {
  const words = splitName(name);
  if (hasWord(words, 'growth', 'change', 'percent', 'pct', 'percentage', 'increase', 'yoy', 'delta'))
    return 'growthPercent';
  if (hasWord(words, 'prior', 'previous', 'last', 'comparative', 'before')) return 'prior';
  return hasWord(words, 'current', 'latest', 'value', 'amount', 'actual', 'now', 'this') ? 'current' : null;
}

export function isNumeric(shape: Shape): boolean {
  return shape.values === null && (shape.kind === 'number' || shape.kind === 'integer');
}

/** An object whose numbers are a current amount and another role of the same quantity. */
export function isFigureShape(shape: Shape, scope: Scope): boolean {
  const roles = new Set(
    propertiesOf(shape).flatMap(([name, part]) => (isNumeric(shapeOf(part, scope.source.root)) ? [roleOf(name)] : [])),
  );
  return (
    roles.has('current') &&
    (roles.has('prior') || roles.has('growthPercent')) &&
    shape.schema['properties'] !== undefined &&
    !hasNameField(shape)
  );
}

function hasNameField(shape: Shape): boolean {
  return propertiesOf(shape).some(([name]) => /^(?:name|metric|title|label)$/i.test(name));
}

export function fillFigure(shape: Shape, scope: Scope): { [name: string]: Filled } {
  const concept = conceptFor(fieldName(scope));
  const figure = concept && scope.source.figures.find(concept);
  const entries = propertiesOf(shape).map(([name, part]): [string, Filled] => {
    const child = shapeOf(part, scope.source.root);
    if (/^(?:pages?|page numbers?|sources?)$/i.test(splitName(name).join(' ')))
      return [name, fillPages(child, scope, figure)];
    const role = roleOf(name);
    if (isNumeric(child) && role) return [name, valueFor(figure?.[role] ?? null, child)];
    return [name, describeUnit(name, figure, scope)];
  });
  return Object.fromEntries(entries);
}

function fillPages(shape: Shape, scope: Scope, figure: Figure | null): Filled {
  const page = (role: Role): number | null => figure?.[role]?.page ?? null;
  if (shape.kind === 'object') {
    const entries = propertiesOf(shape).map(([name, part]): [string, Json] => {
      const role = roleOf(name);
      return [name, role ? (valueFor(pageAmount(page(role)), shapeOf(part, scope.source.root)) ?? null) : null];
    });
    return Object.fromEntries(entries);
  }
  if (shape.kind === 'array') {
    const all = (['current', 'prior', 'growthPercent'] as const).map(page).filter((one) => one !== null);
    return [...new Set(all)];
  }
  return page('current') ?? undefined;
}

function pageAmount(page: number | null): Amount | null {
  return page === null ? null : { value: page, page };
}

function valueFor(amount: Amount | null, shape: Shape): Filled {
  return amount === null ? undefined : fitNumber(amount.value, shape);
}

function describeUnit(name: string, figure: Figure | null, scope: Scope): Filled {
  if (figure === null) return undefined;
  const words = splitName(name);
  if (hasWord(words, 'currency')) return figure.currency ?? scope.source.figures.profile.currency ?? undefined;
  return hasWord(words, 'unit', 'scale') ? (figure.scale ?? undefined) : undefined;
}

/** A number of its own: `revenue`, `netProfitCrore`, `revenueGrowthPercent`. */
export function fillQuantity(shape: Shape, scope: Scope): Filled {
  const name = fieldName(scope);
  const concept = conceptFor(name);
  const figure = concept && scope.source.figures.find(concept);
  if (!figure) return undefined;
  const role = roleOf(name) ?? 'current';
  const amount = figure[role];
  if (amount === null) return undefined;
  if (role === 'growthPercent') return fitNumber(amount.value, shape);
  return fitNumber(convert(amount.value, figure.scale, wantedScale(name, shape)), shape);
}

function wantedScale(name: string, shape: Shape): Scale | null {
  const word = splitName(name).find((one) => /^(?:thousands?|millions?|billions?|crores?|lakhs?)$/.test(one));
  return findScale(word ? `in ${word}` : describedAs(shape));
}

function convert(value: number, from: Scale | null, to: Scale | null): number {
  if (from === null || to === null || from === to) return value;
  return Number(((value * scaleFactor[from]) / scaleFactor[to]).toPrecision(12));
}
