/**
 * Holds a value against rules.
 *
 * Invariants:
 * 1. It never throws: a value that cannot be checked (too large, too deep, out of time, a fault in a rule) is blocked.
 * 2. What it tells holds no piece of the value: rules, places the schema names, numbers.
 * 3. What a redacting rule leaves holds nothing more that the rule finds, or the value is blocked.
 */
import { compileCel } from '../../core/cel.js';
import {
  describeFinding,
  type Guardrail,
  type GuardrailFinding,
  nameOf,
  type PersonalDataKind,
} from '../../core/guardrails.js';
import { findDomains, isListed } from './findDomains.js';
import { OutOfTime, redact, scannerOf, type TextRule, type TextScanner } from './textScanner.js';
import { type Leaf, leafKey, leavesOf, partsAt, replaceLeaves, TooLarge } from './walkValue.js';

export interface Checked {
  /** With what rules have redacted; undefined when it is blocked. */
  value: unknown;
  findings: GuardrailFinding[];
  /** Which rule blocked it and where, for people and models. */
  blocked?: string;
}

export interface ToCheck {
  value: unknown;
  at: GuardrailFinding['at'];
  /** Of an output: what it was made from. */
  input?: unknown;
  /** Names that may be told: those the schema has. */
  names: ReadonlySet<string>;
}

/** All rules of one value together. */
const longestCheckMs = 5_000;
const mostFindings = 50;

type Found = Omit<GuardrailFinding, 'rule' | 'at' | 'action' | 'count'>;
type TextualRule = Extract<Guardrail, { action: string }>;
type Outcome = { found: Found[]; value?: unknown; blocked?: string };

export async function applyGuardrails(rules: readonly Guardrail[], given: ToCheck): Promise<Checked> {
  const deadlineMs = performance.now() + longestCheckMs;
  const findings: GuardrailFinding[] = [];
  let { value } = given;
  let again = false;
  const hold = async (rule: Guardrail): Promise<string | undefined> => {
    const outcome = await apply(rule, { ...given, value }, deadlineMs).catch((error: unknown): Outcome => {
      return { found: [], blocked: whyUnchecked(error) };
    });
    const { found, blocked } = outcome;
    const noted = grouped(found, rule, given.at, blocked !== undefined);
    if (blocked !== undefined && noted.length === 0)
      noted.push(findingOf(rule, given.at, { path: rootOf(rule, given) }, 'block'));
    findings.push(...noted);
    again ||= 'value' in outcome;
    if ('value' in outcome) ({ value } = outcome);
    if (blocked === undefined) return undefined;
    const more = noted.length > 1 ? ` and ${noted.length - 1} more` : '';
    return `${describeFinding(noted[0]!)}${more}${blocked === '' ? '' : `: ${blocked}`}`;
  };
  for (let pass = 0; pass === 0 || again; pass += 1) {
    again = false;
    // What one rule redacts may bring together what another finds.
    for (const rule of pass === 0 ? rules : rules.filter(redacts)) {
      const blocked = await hold(rule);
      if (blocked !== undefined) return { value: undefined, findings: findings.slice(-mostFindings), blocked };
    }
    if (again && pass === mostPasses) {
      return { value: undefined, findings: findings.slice(-mostFindings), blocked: 'rules that undo each other' };
    }
  }
  return { value, findings: findings.slice(0, mostFindings) };
}

const mostPasses = 5;
const redacts = (rule: Guardrail): boolean => 'action' in rule && rule.action === 'redact';

async function apply(rule: Guardrail, given: ToCheck, deadlineMs: number): Promise<Outcome> {
  switch (rule.check) {
    case 'cel':
      return checkCondition(rule, given);
    case 'size':
      return checkSize(rule, given);
    case 'values':
      return checkValues(rule, given);
    case 'domains':
      return checkText(rule, given, deadlineMs, domainScanner(rule));
    default:
      return checkText(rule, given, deadlineMs, await scannerOf(rule));
  }
}

function checkCondition(rule: Extract<Guardrail, { check: 'cel' }>, { value, input = value }: ToCheck): Outcome {
  const compiled = compileCel(rule.rule, { variables: ['value', 'input'], result: 'bool' });
  const outcome = 'faults' in compiled ? { fault: '' } : compiled.evaluate({ value, input });
  if ('fault' in outcome) return { found: [], blocked: 'the condition could not be evaluated' };
  return outcome.value === true ? { found: [] } : { found: [], blocked: rule.message ?? 'the condition does not hold' };
}

function checkSize(rule: Extract<Guardrail, { check: 'size' }>, { value }: ToCheck): Outcome {
  const { maxBytes = Number.POSITIVE_INFINITY, maxItems = Number.POSITIVE_INFINITY } = rule;
  for (const part of partsAt(value, rule.path)) {
    const items = Array.isArray(part) ? part.length : 0;
    if (items > maxItems) return { found: [], blocked: `${items} items, and at most ${maxItems} are allowed` };
    const bytes = Buffer.byteLength((typeof part === 'string' ? part : JSON.stringify(part)) ?? '');
    if (bytes > maxBytes) return { found: [], blocked: `${bytes} bytes, and at most ${maxBytes} are allowed` };
  }
  return { found: [] };
}

function checkValues(rule: Extract<Guardrail, { check: 'values' }>, given: ToCheck): Outcome {
  const allow = rule.allow && new Set<unknown>(rule.allow);
  const deny = new Set<unknown>(rule.deny);
  const wrong = leavesOf(given.value, rule.path)
    .filter(({ isKey }) => !isKey)
    .filter(({ value }) => deny.has(value) || (allow && !allow.has(value)));
  if (wrong.length === 0) return { found: [] };
  return { found: wrong.map(({ path }) => ({ path: told(path, given) })), blocked: 'the value is not allowed' };
}

/** Rules that find pieces of texts. A number is read as its digits, and becomes a text when it is redacted. */
async function checkText(rule: TextualRule, given: ToCheck, deadlineMs: number, scan: TextScanner): Promise<Outcome> {
  const leaves = leavesOf(given.value, rule.path).filter((leaf) => textOf(leaf) !== undefined);
  const before = leaves.map((leaf) => textOf(leaf)!);
  const { texts, found, left } =
    rule.action === 'redact'
      ? await redact(before, scan, deadlineMs)
      : { texts: before, found: await scan(before, deadlineMs), left: false };
  const changes = new Map<string, string>();
  const places = leaves.flatMap((leaf, index) => {
    if (found[index]!.length === 0) return [];
    changes.set(leafKey(leaf.path, leaf.isKey), texts[index]!);
    const path = told(leaf.isKey ? leaf.path.slice(0, -1) : leaf.path, given);
    return found[index]!.map(({ label }): Found => {
      return { path, ...(rule.check === 'pii' && { kind: label as PersonalDataKind }) };
    });
  });
  if (places.length === 0) return { found: [] };
  if (left) return { found: places, blocked: 'it cannot be redacted' };
  if (rule.action === 'block') return { found: places, blocked: '' };
  return { found: places, value: replaceLeaves(given.value, changes) };
}

const domainScanner =
  (rule: Extract<Guardrail, { check: 'domains' }>): TextScanner =>
  async (texts, deadlineMs) =>
    texts.map((text) => {
      if (performance.now() > deadlineMs) throw new OutOfTime();
      return findDomains(text, rule.path !== undefined).filter(
        ({ domain }) => (rule.allow && !isListed(domain, rule.allow)) || (rule.deny && isListed(domain, rule.deny)),
      );
    });

const leastDigits = 100_000_000;

function textOf({ value }: Leaf): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' && Number.isInteger(value) && value >= leastDigits ? String(value) : undefined;
}

/** The path as it may be told: names the schema has, and `*` for all others. */
function told(path: readonly string[], { names }: ToCheck): string {
  return path.map((name) => (names.has(name) ? name : '*')).join('.');
}

function rootOf(rule: Guardrail, given: ToCheck): string {
  return 'path' in rule && rule.path !== undefined ? told(rule.path.split('.'), given) : '';
}

function findingOf(
  rule: Guardrail,
  at: GuardrailFinding['at'],
  found: Found,
  action: GuardrailFinding['action'],
): GuardrailFinding {
  return { rule: nameOf(rule), at, ...found, action, count: 1 };
}

/** One finding for each place and kind, with how often. */
function grouped(
  found: readonly Found[],
  rule: Guardrail,
  at: GuardrailFinding['at'],
  blocked: boolean,
): GuardrailFinding[] {
  const groups = new Map<string, GuardrailFinding>();
  for (const one of found) {
    const key = `${one.kind ?? ''} ${one.path}`;
    const known = groups.get(key);
    if (known) known.count += 1;
    else groups.set(key, findingOf(rule, at, one, blocked ? 'block' : 'redact'));
  }
  return [...groups.values()].slice(0, mostFindings);
}

function whyUnchecked(error: unknown): string {
  if (error instanceof TooLarge) return `it is too large to be checked: ${error.message}`;
  if (error instanceof OutOfTime) return `it could not be checked within ${longestCheckMs / 1_000} seconds`;
  return 'it could not be checked';
}

/** Rules that look for pieces of texts wherever they stand, for texts that are not yet values or never will be. */
const isTextRule = (rule: Guardrail): rule is TextRule => rule.check === 'pii' || rule.check === 'secrets';

/** A text without anything that pii and secrets rules name, whatever their path and action. */
export async function redactText(rules: readonly Guardrail[], text: string): Promise<string> {
  const everywhere = rules.filter(isTextRule).map(({ path: _, ...rule }): Guardrail => ({ ...rule, action: 'redact' }));
  if (everywhere.length === 0) return text;
  const { value } = await applyGuardrails(everywhere, { value: text, at: 'output', names: new Set() });
  return typeof value === 'string' ? value : '[withheld]';
}
