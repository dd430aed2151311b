/**
 * Guardrails: rules for what goes into and comes out of agents and tools. Plain data, so that definitions stay data.
 *
 * Invariants:
 * 1. Rules apply in their order, and each sees what those before it have left.
 * 2. What is told of a finding is the rule, where, and how often: never a piece of the value, not even a key of it that no schema
 *    names.
 */
import { z } from 'zod';
import { celFaults } from './cel.js';
import { describeIssues } from './schema.js';

export const personalDataKinds = ['email', 'phone', 'creditCard', 'iban', 'ipAddress', 'ssn'] as const;
export type PersonalDataKind = (typeof personalDataKinds)[number];

const named = {
  /** What findings and errors call the rule. Default: its `check`. */
  name: z
    .string()
    .regex(/^[\w -]{1,60}$/, 'letters, digits, spaces, _ and -, at most 60')
    .optional(),
};
const placed = {
  ...named,
  /** Where in the value, with `*` for every item or field: `attachments.*.name`. All below it counts. Default: everywhere. */
  path: z
    .string()
    .regex(/^[^.]{1,100}(\.[^.]{1,100}){0,19}$/, 'names with dots between them')
    .optional(),
};
const action = z.enum(['block', 'redact']).default('block');
const scalars = z
  .array(z.union([z.string().max(1_000), z.number(), z.boolean(), z.null()]))
  .min(1)
  .max(10_000);
const domains = z
  .array(z.string().regex(/^(\*\.)?[^\s*/@:.]+(\.[^\s*/@:.]+)*$/, 'a domain, or *.domain for all below it'))
  .min(1)
  .max(10_000);

const listed = (rule: { allow?: unknown; deny?: unknown }): boolean =>
  rule.allow !== undefined || rule.deny !== undefined;
const needsList = 'give allow, deny or both';

const guardrailSchema = z.discriminatedUnion('check', [
  /** A condition in CEL that must hold, over `value` and, in a rule for output, the `input` it was made from. */
  z.strictObject({
    ...named,
    check: z.literal('cel'),
    rule: z.string().superRefine((rule, context) => {
      const faults = celFaults(rule, { variables: ['value', 'input'], result: 'bool' });
      if (faults.length > 0) context.addIssue({ code: 'custom', message: faults.join('; ') });
    }),
    /** What is told instead of the rule's name. */
    message: z.string().min(1).max(300).optional(),
  }),
  /** Texts, numbers, booleans and nulls, each compared as a whole. */
  z
    .strictObject({ ...placed, check: z.literal('values'), allow: scalars.optional(), deny: scalars.optional() })
    .refine(listed, needsList),
  /** The domains of mail addresses and URLs. */
  z
    .strictObject({
      ...placed,
      check: z.literal('domains'),
      allow: domains.optional(),
      deny: domains.optional(),
      action,
    })
    .refine(listed, needsList),
  /** UTF-8 bytes of the value as JSON; items of each list. */
  z
    .strictObject({
      ...placed,
      check: z.literal('size'),
      maxBytes: z.number().int().nonnegative().optional(),
      maxItems: z.number().int().nonnegative().optional(),
    })
    .refine(
      ({ maxBytes, maxItems }) => maxBytes !== undefined || maxItems !== undefined,
      'give maxBytes, maxItems or both',
    ),
  z.strictObject({
    ...placed,
    check: z.literal('pii'),
    /** Default: all of them. */
    kinds: z.array(z.enum(personalDataKinds)).min(1).optional(),
    /** Where phone numbers without a country code are from, as two letters. Default: those are not looked for. */
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, 'two capital letters')
      .optional(),
    action,
  }),
  /** API keys, tokens, private keys. */
  z.strictObject({ ...placed, check: z.literal('secrets'), action }),
]);

const rulesSchema = z.array(guardrailSchema).max(50);
export const guardrailsSchema = z.strictObject({ input: rulesSchema.optional(), output: rulesSchema.optional() });

/** A rule, as it is written. */
export type GuardrailOptions = z.input<typeof guardrailSchema>;
/** Rules for what goes in and what comes out, as they are written. */
export interface GuardrailsOptions {
  /** Held before the agent or tool sees it. */
  readonly input?: readonly GuardrailOptions[] | undefined;
  /** Held before anybody sees it: the workflow, a model, the transcript, the ledger. */
  readonly output?: readonly GuardrailOptions[] | undefined;
}
export type Guardrail = z.output<typeof guardrailSchema>;
export type Guardrails = z.output<typeof guardrailsSchema>;

/** What a rule has found, for people and programs to read. */
export interface GuardrailFinding {
  rule: string;
  at: 'input' | 'output';
  /** Of the schema's own names, with `*` for items and for fields the schema does not name; empty for the whole value. */
  path: string;
  /** Of personal data. */
  kind?: PersonalDataKind;
  action: 'block' | 'redact';
  count: number;
}

export function nameOf(rule: Guardrail): string {
  return rule.name ?? rule.check;
}

/** `pii (email) at reply, 2 times` */
export function describeFinding({ rule, kind, path, count }: GuardrailFinding): string {
  return `${rule}${kind ? ` (${kind})` : ''}${path === '' ? '' : ` at ${path}`}${count > 1 ? `, ${count} times` : ''}`;
}

/** Those that a row of the ledger tells of: beside what is done, or with the failure. */
export function findingsOf(row: {
  detail?: unknown;
  error?: { details?: Record<string, unknown> | undefined } | undefined;
}): GuardrailFinding[] {
  const beside = (row.detail as { guardrails?: GuardrailFinding[] } | null | undefined)?.guardrails ?? [];
  return [...beside, ...((row.error?.details?.['guardrails'] as GuardrailFinding[] | undefined) ?? [])];
}

/** @throws Error with every fault of the rules */
export function parseGuardrails(guardrails: unknown, where: string): Guardrails {
  const parsed = guardrailsSchema.safeParse(guardrails);
  if (!parsed.success) throw new Error(`${where}: ${describeIssues(parsed.error)}`);
  return parsed.data;
}
