/**
 * Reads a document as a plan, or says all that is wrong with it, each with its path into the document.
 *
 * Invariants:
 * 1. Whatever the document is, this neither throws nor runs long: its size is checked first, and everything after is linear in it.
 * 2. At most `toldFaults` faults are told, and how many more there are.
 */
import type { z } from 'zod';
import { compileCel } from '../cel.js';
import { SegnoError } from '../errors.js';
import { graphFaults } from '../graph.js';
import { actionFaults } from './actionFaults.js';
import type { PlanCatalogue } from './catalogue.js';
import { documentFault } from './documentFaults.js';
import { type Plan, planLimits } from './plan.js';
import { actionsOf, conditionsIn, type PlacedCondition, planGraph, stepConditions } from './planGraph.js';
import { planSchema } from './planSchema.js';
import { type DocumentPath, formatPath } from './references.js';
import { outputFaults, OutputSchemas } from './outputSchemas.js';

export const toldFaults = 20;

/** @throws SegnoError `Plan.Invalid`, with every fault */
export function parsePlan(document: unknown, catalogue: PlanCatalogue): Plan {
  const read = readPlan(document, catalogue);
  if ('plan' in read) return read.plan;
  throw invalidPlan(read.faults);
}

export function invalidPlan(faults: readonly string[]): SegnoError {
  return new SegnoError('Plan.Invalid', `the plan is not valid:\n${faults.join('\n')}`, { details: { faults } });
}

/** What is wrong with a document as a plan; empty when it is one. */
export function planFaults(document: unknown, catalogue: PlanCatalogue): string[] {
  const read = readPlan(document, catalogue);
  return 'plan' in read ? [] : read.faults;
}

function readPlan(document: unknown, catalogue: PlanCatalogue): { plan: Plan } | { faults: string[] } {
  const tooBig = documentFault(document);
  if (tooBig !== undefined) return { faults: [tooBig] };
  const parsed = planSchema.safeParse(document);
  if (!parsed.success) return { faults: bounded(parsed.error.issues.flatMap((issue) => issueFaults(issue, []))) };
  const plan = parsed.data;
  const tooMany = tooManyConditions(plan);
  if (tooMany !== undefined) return { faults: [tooMany] };
  const faults = [...structureFaults(plan), ...contentFaults(plan, catalogue)];
  return faults.length > 0 ? { faults: bounded([...new Set(faults)]) } : { plan };
}

/** Of a value with several forms, what is wrong with the form it comes closest to. */
function issueFaults(issue: z.core.$ZodIssue, before: DocumentPath): string[] {
  const at = [...before, ...(issue.path as (string | number)[])];
  if (issue.code === 'invalid_union') {
    const depth = (issues: readonly z.core.$ZodIssue[]): number =>
      Math.max(0, ...issues.map(({ path }) => path.length));
    const closest = [...issue.errors].sort((one, other) => depth(other) - depth(one))[0];
    if (closest && depth(closest) > 0) return closest.flatMap((inner) => issueFaults(inner, at));
  }
  return [`${formatPath(at)}: ${issue.message}`];
}

/** Each of them is compiled. */
function tooManyConditions({ steps }: Plan): string | undefined {
  const all = steps.flatMap((step, index) => actionsOf(step, ['steps', index]).flatMap(conditionsIn));
  const first = all[planLimits.conditions];
  return first && `${formatPath(first.at)}: the actions have over ${planLimits.conditions} conditions`;
}

/** Ids, order and cycles. */
function structureFaults(plan: Plan): string[] {
  const graph = planGraph(plan);
  return graphFaults(graph).map(({ step, after, message }) => {
    const place = after === undefined ? ['steps', step, 'id'] : graph[step]!.places[after]!;
    return `${formatPath(place)}: ${message}`;
  });
}

function contentFaults(plan: Plan, catalogue: PlanCatalogue): string[] {
  const schemas = new OutputSchemas(plan, catalogue);
  return [
    ...plan.steps.flatMap((step, index) => {
      const at: DocumentPath = ['steps', index];
      return [
        ...stepConditions(step, at).flatMap(conditionFaults),
        ...actionsOf(step, at).flatMap((placed) => [
          ...conditionsIn(placed).flatMap(conditionFaults),
          ...actionFaults(placed, catalogue, schemas),
        ]),
      ];
    }),
    ...outputFaults(plan, schemas),
  ];
}

function conditionFaults({ expression, at, variables }: PlacedCondition): string[] {
  const where = formatPath(at);
  const compiled = compileCel(expression, { variables, result: 'bool' });
  if ('faults' in compiled) return compiled.faults.map((fault) => `${where}: ${fault}`);
  const whole = compiled.references.some(([root, name]) => root === 'steps' && name === undefined);
  return whole ? [`${where}: steps must be followed by the id of a step: steps.ID or steps["ID"]`] : [];
}

function bounded(faults: string[]): string[] {
  if (faults.length <= toldFaults) return faults;
  return [...faults.slice(0, toldFaults), `… and ${faults.length - toldFaults} more`];
}
