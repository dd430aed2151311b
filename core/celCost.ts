/**
 * How much work a CEL expression can be at most for given variables, before it is evaluated.
 *
 * Without `map`, `bind`, `split` and `join` (cel.ts) a value cannot grow while it is computed, but by `+` and in literals that hold
 * variables. So three sizes of the variables bound every operation, and loops multiply.
 */

/** A node of the parsed expression, as far as this needs it. */
export interface CelNode {
  readonly op: string;
  readonly args: unknown;
}

export interface ValueSizes {
  /** Elements of the longest list or keys of the largest object. */
  longest: number;
  /** Values in all, and one for each 64 characters of text. */
  total: number;
  /** 64ths of the longest text's characters. */
  text: number;
}

interface Loop {
  variable: string;
  /** Comparisons of parts of the element: over all elements they look at each value once. */
  comparisons: number;
}

export const loopMacros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter']);

const charactersPerUnit = 64;
/** Elements a list literal may have; cel.ts limits the parser to it. */
export const longestLiteral = 100;

export function sizesOf(values: unknown): ValueSizes {
  const sizes: ValueSizes = { longest: longestLiteral, total: 0, text: 0 };
  const open = [values];
  while (open.length > 0) {
    const value = open.pop();
    sizes.total += 1;
    if (typeof value === 'string') {
      const units = Math.ceil(value.length / charactersPerUnit);
      sizes.total += units;
      sizes.text = Math.max(sizes.text, units);
    }
    if (typeof value !== 'object' || value === null) continue;
    const parts: unknown[] = Array.isArray(value) ? value : Object.values(value);
    sizes.longest = Math.max(sizes.longest, parts.length);
    for (const part of parts) open.push(part);
  }
  return sizes;
}

/** Comparisons, searches and functions that even the largest values do not make too much work. */
const fewOperations = 4;

/** Whether the values decide how much work it is: without loops, growth and many operations it is always little. */
export function needsCost(node: CelNode): boolean {
  const loops = count(node, (part) => part.op === 'rcall' && loopMacros.has(nameOf(part)));
  const operations = count(node, ({ op }) => ['==', '!=', 'in', 'call', 'rcall', '+'].includes(op));
  return loops > 0 || operations > fewOperations || growthOf(node) > 1;
}

/** @returns steps of evaluation, roughly 100 ns each */
export function costOf(node: CelNode, sizes: ValueSizes): number {
  const growth = growthOf(node);
  return cost(node, { longest: sizes.longest * growth, total: sizes.total * growth, text: sizes.text * growth });
}

function cost(node: CelNode, sizes: ValueSizes, loop?: Loop): number {
  const parts = partsOf(node);
  if (node.op === 'rcall' && loopMacros.has(nameOf(node))) {
    const [receiver, variable, body] = parts as [CelNode, CelNode, CelNode];
    const inner: Loop = { variable: String(variable.args), comparisons: 0 };
    const each = cost(body, sizes, inner);
    return cost(receiver, sizes, loop) + sizes.longest * each + inner.comparisons * sizes.total;
  }
  const own = parts.reduce((sum, part) => sum + cost(part, sizes, loop), 1);
  switch (node.op) {
    case 'call':
    case 'rcall':
    case '+':
      return own + sizes.text;
    case 'in':
      return own + sizes.total;
    case '==':
    case '!=':
      if (parts.some(({ op }) => op === 'value')) return own + sizes.text;
      if (!loop || !parts.some((part) => rootOf(part) === loop.variable)) return own + sizes.total;
      loop.comparisons += 1;
      return own;
    default:
      return own;
  }
}

/** The nodes directly under a node: receiver first, keys before values. */
export function partsOf({ op, args }: CelNode): CelNode[] {
  switch (op) {
    case 'value':
    case 'id':
      return [];
    case 'call':
      return (args as [string, CelNode[]])[1];
    case 'rcall': {
      const [, receiver, others] = args as [string, CelNode, CelNode[]];
      return [receiver, ...others];
    }
    case '.':
    case '.?':
      return [(args as [CelNode, string])[0]];
    case 'map':
      return (args as [CelNode, CelNode][]).flat();
    case '!_':
    case '-_':
      return [args as CelNode];
    default:
      return args as CelNode[];
  }
}

/** The function a `call` or `rcall` names. */
export function nameOf({ args }: CelNode): string {
  return (args as [string])[0];
}

function rootOf(node: CelNode): string | undefined {
  if (node.op === 'id') return String(node.args);
  return node.op === '.' || node.op === '[]' ? rootOf(partsOf(node)[0]!) : undefined;
}

/** How many times larger than the variables a computed value may be. */
function growthOf(node: CelNode): number {
  const sums = count(node, ({ op }) => op === '+');
  const held = (part: CelNode): number =>
    part.op === 'list' || part.op === 'map' ? partsOf(part).filter(({ op }) => op !== 'value').length : 0;
  return 1 + sums + sumOver(node, held);
}

function count(node: CelNode, is: (node: CelNode) => boolean): number {
  return sumOver(node, (part) => (is(part) ? 1 : 0));
}

function sumOver(node: CelNode, of: (node: CelNode) => number): number {
  return partsOf(node).reduce((sum, part) => sum + sumOver(part, of), of(node));
}
