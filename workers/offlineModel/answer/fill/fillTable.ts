/** Tables of an answer: `{columns: string[], rows: string[][]}` and charts, from the known figures. */
import { formatAmount, signedGrowth } from '../compose/tableCells.js';
import { propertiesOf, shapeOf, type Json, type Shape } from '../schema/shape.js';
import type { Filled, Scope } from './scope.js';

const headName = /^(?:columns|headers?|head)$/i;

export function isTableShape(shape: Shape, scope: Scope): boolean {
  const properties = new Map(propertiesOf(shape));
  const rows = properties.get('rows');
  if (rows === undefined || ![...properties.keys()].some((name) => headName.test(name))) return false;
  const item = shapeOf(shapeOf(rows, scope.source.root).schema['items'], scope.source.root);
  return item.kind === 'array';
}

export function fillTable(shape: Shape, scope: Scope): { [name: string]: Filled } {
  const figures = scope.source.material.facts.figures;
  const hasPrior = figures.some((one) => one.prior !== null);
  const hasGrowth = figures.some((one) => one.growthPercent !== null);
  const head = ['Figure', 'Current', ...(hasPrior ? ['Prior'] : []), ...(hasGrowth ? ['Change'] : [])];
  const rows = figures.map((one): Json[] => [
    one.title,
    one.current === null ? 'not stated' : formatAmount(one.current, one),
    ...(hasPrior ? [one.prior === null ? 'not stated' : formatAmount(one.prior, one)] : []),
    ...(hasGrowth ? [one.growthPercent === null ? 'not stated' : signedGrowth(one)] : []),
  ]);
  const filled: { [name: string]: Filled } = {};
  for (const [name] of propertiesOf(shape)) {
    if (headName.test(name)) filled[name] = head;
    else if (name === 'rows') filled[name] = rows;
  }
  return filled;
}
