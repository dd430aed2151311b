/**
 * Conditions and choices in CEL (Common Expression Language), the only code a plan or a rule may bring. The one file that
 * knows the library.
 *
 * Invariants:
 * 1. An expression sees the variables it is given and nothing else: no globals, no prototypes, no clock, no I/O.
 * 2. Its work is bounded: length, nodes, depth, literals, nested loops; and by {@link costOf} for the values it meets.
 *    Regular expressions, and functions that let values grow, are refused.
 * 3. Nothing here throws for an expression or a value: what is wrong is text for a person.
 *
 * All numbers of JSON are doubles in CEL; arithmetic between them and whole-number literals is defined here.
 */
import { Environment, type ParseResult } from '@marcbachmann/cel-js';
import { type CelNode, costOf, longestLiteral, loopMacros, nameOf, needsCost, partsOf, sizesOf } from './celCost.js';

export interface CelOptions {
  /** Names an expression may use, `input` for example. */
  variables: readonly string[];
  /** What it must give, as far as that shows before it is evaluated. Default: anything JSON can hold. */
  result?: 'bool' | 'string';
}

/** JSON, or what is wrong: a key that is not there, types that do not fit, too much work. */
export type CelOutcome = { value: unknown } | { fault: string };

export interface CompiledCel {
  /** What it reads, each as the path from a variable: `[['steps', 'analyze', 'score']]`; shorter where it is computed. */
  readonly references: readonly (readonly string[])[];
  evaluate(variables: Readonly<Record<string, unknown>>): CelOutcome;
}

/** Characters of an expression. */
export const maxCelLength = 1_000;
/** Steps of evaluation, about 100 ns each. */
const maxCost = 2_000_000;
const maxNestedLoops = 2;

const functions: ReadonlySet<string> = new Set([
  ...loopMacros,
  ...['has', 'size', 'string', 'int', 'double', 'bool'],
  ...['startsWith', 'endsWith', 'contains', 'lowerAscii', 'upperAscii', 'trim', 'indexOf', 'substring'],
]);

const arithmetic = {
  '+': (a: number, b: number) => a + b,
  '-': (a: number, b: number) => a - b,
  '*': (a: number, b: number) => a * b,
  '/': (a: number, b: number) => a / b,
  '%': (a: number, b: number) => a % b,
};

const environment = createEnvironment();

function createEnvironment(): Environment {
  const created = new Environment({
    unlistedVariablesAreDyn: true,
    homogeneousAggregateLiterals: false,
    limits: {
      maxAstNodes: 300,
      maxDepth: 50,
      maxListElements: longestLiteral,
      maxMapEntries: longestLiteral,
      maxCallArguments: 8,
    },
  });
  for (const [operator, apply] of Object.entries(arithmetic)) {
    created.registerOperator(`double ${operator} int`, (a: number, b: bigint) => apply(a, Number(b)));
    created.registerOperator(`int ${operator} double`, (a: bigint, b: number) => apply(Number(a), b));
  }
  created.registerOperator('double % double', arithmetic['%']);
  return created;
}

/** What is wrong with an expression before it is evaluated; at most ten faults. */
export function celFaults(expression: string, options: CelOptions): string[] {
  const compiled = compileCel(expression, options);
  return 'faults' in compiled ? compiled.faults : [];
}

/** {@link compileCel} and evaluate, for an expression that is used once. */
export function evaluateCel(expression: string, variables: Readonly<Record<string, unknown>>): CelOutcome {
  const compiled = compileCel(expression, { variables: Object.keys(variables) });
  return 'faults' in compiled ? { fault: compiled.faults.join('; ') } : compiled.evaluate(variables);
}

export function compileCel(expression: string, { variables, result }: CelOptions): CompiledCel | { faults: string[] } {
  if (expression.length > maxCelLength)
    return { faults: [`the expression has ${expression.length} characters; at most ${maxCelLength} are allowed`] };
  const parsed = parse(expression);
  if (typeof parsed === 'string') return { faults: [parsed] };

  const root = parsed.ast as CelNode;
  const faults = new Set<string>();
  const references: string[][] = [];
  inspect(root, { variables, loops: [], faults, references });
  const checked = parsed.check();
  if (!checked.valid) faults.add(messageOf(checked.error));
  else if (result && checked.type !== result && checked.type !== 'dyn')
    faults.add(`it gives ${checked.type}, and ${result} is needed`);
  if (faults.size > 0) return { faults: [...faults].slice(0, 10) };

  const costly = needsCost(root);
  return {
    references,
    evaluate(values) {
      const known = Object.fromEntries(variables.map((name) => [name, values[name] ?? null]));
      if (costly && costOf(root, sizesOf(known)) > maxCost)
        return { fault: 'evaluating it would be too much work for values this large' };
      try {
        const value = toJson(parsed(known));
        if (result === 'bool' && typeof value !== 'boolean')
          return { fault: `it gave ${typeof value}, and bool is needed` };
        if (result === 'string' && typeof value !== 'string')
          return { fault: `it gave ${typeof value}, and string is needed` };
        return { value };
      } catch (error) {
        return { fault: messageOf(error) };
      }
    },
  };
}

function parse(expression: string): ParseResult | string {
  try {
    return environment.parse(expression);
  } catch (error) {
    return messageOf(error);
  }
}

interface Inspection {
  readonly variables: readonly string[];
  /** Variables of the loops around a node. */
  readonly loops: readonly string[];
  readonly faults: Set<string>;
  readonly references: string[][];
}

function inspect(node: CelNode, at: Inspection): void {
  const { variables, loops, faults, references } = at;
  if (node.op === 'value' && typeof node.args === 'object' && node.args !== null)
    faults.add('bytes and unsigned literals are not supported');
  const path = pathOf(node);
  if (path) {
    if (loops.includes(path[0]!)) return;
    if (variables.includes(path[0]!)) references.push(path);
    else faults.add(`${path[0]} is no variable; there are: ${[...variables, ...loops].join(', ')}`);
    return;
  }
  if (node.op !== 'call' && node.op !== 'rcall') {
    for (const part of partsOf(node)) inspect(part, at);
    return;
  }
  const name = nameOf(node);
  if (!functions.has(name)) faults.add(`${name}() is not supported; there are: ${[...functions].sort().join(', ')}`);
  const isLoop = node.op === 'rcall' && loopMacros.has(name);
  const [receiver, variable, ...body] = partsOf(node);
  if (!isLoop || !receiver || variable?.op !== 'id') {
    for (const part of partsOf(node)) inspect(part, at);
    return;
  }
  inspect(receiver, at);
  const named = String(variable.args);
  if (variables.includes(named)) faults.add(`${name}(${named}, …) hides the variable ${named}`);
  if (loops.length >= maxNestedLoops)
    faults.add(`loops (${[...loopMacros].join(', ')}) are nested over ${maxNestedLoops} deep`);
  for (const part of body) inspect(part, { ...at, loops: [...loops, named] });
}

/** `steps.analyze["score"]` as a list of names; nothing for any other node. */
function pathOf(node: CelNode): string[] | undefined {
  if (node.op === 'id') return [String(node.args)];
  if (node.op !== '.' && node.op !== '[]') return undefined;
  const [owner, key] = node.args as [CelNode, string | CelNode];
  const path = pathOf(owner);
  if (typeof key === 'string') return path && [...path, key];
  return path && key.op === 'value' && typeof key.args === 'string' ? [...path, key.args] : undefined;
}

/** @throws Error for what JSON cannot hold */
function toJson(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new Error(`${value} is too large a number`);
    return number;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} is no number JSON can hold`);
  if (value === 0) return 0; // -0, which JSON does not know
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return value;
  if (Array.isArray(value)) return value.map(toJson);
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== Object.prototype && prototype !== null) throw new Error('it gave something JSON cannot hold');
  return Object.fromEntries(Object.entries(value as object).map(([key, entry]) => [key, toJson(entry)]));
}

/** Without the library's picture of the source, which is many lines. */
function messageOf(error: unknown): string {
  const { message, range } = error as Error & { range?: { start: number } };
  const [summary = ''] = message.split('\n', 1);
  return range ? `${summary} (at character ${range.start + 1})` : summary;
}
