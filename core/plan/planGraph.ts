import { compileCel } from '../cel.js';
import type { GraphStep } from '../graph.js';
import { type Plan, type PlanAction, type PlanHandoff, type PlanStep } from './plan.js';
import { criteriaOf } from './planDecide.js';
import { type DocumentPath, type Reference, referencesIn } from './references.js';

/** An action, where it stands in the document, and the names it may refer to beside `input` and `steps`. */
export interface PlacedAction {
  action: PlanAction;
  at: DocumentPath;
  locals: readonly string[];
  nesting: number;
}

/** A step and the steps it comes after: those it names, and those it refers to. */
export interface PlanGraphStep extends GraphStep {
  /** Where each name of `after` stands in the document. */
  readonly places: readonly DocumentPath[];
}

export const planVariables = ['input', 'steps'] as const;

/** The steps of a plan as a graph, in their order. */
export function planGraph({ steps }: Pick<Plan, 'steps'>): PlanGraphStep[] {
  return steps.map((step, index) => {
    const at: DocumentPath = ['steps', index];
    const edges = new Map<string, DocumentPath>();
    const add = (name: string, place: DocumentPath): void => {
      if (!edges.has(name)) edges.set(name, place);
    };
    step.after?.forEach((name, position) => add(name, [...at, 'after', position]));
    for (const { name, place } of stepsReferredTo(step, at)) add(name, place);
    return { name: step.id, after: [...edges.keys()], places: [...edges.values()] };
  });
}

function stepsReferredTo(step: PlanStep, at: DocumentPath): { name: string; place: DocumentPath }[] {
  const actions = actionsOf(step, at);
  const references = actions.flatMap(({ action, at: place }) => referencesOf(action, place));
  const named = references.flatMap(({ path: [root, name], at: place }) =>
    root === 'steps' && name !== undefined ? [{ name, place }] : [],
  );
  const inConditions = [...stepConditions(step, at), ...actions.flatMap(conditionsIn)].flatMap((condition) =>
    conditionReferences(condition).flatMap(([root, name]) =>
      root === 'steps' && name !== undefined ? [{ name, place: condition.at }] : [],
    ),
  );
  return [...named, ...inConditions];
}

/** A condition in CEL, where it stands, and what it sees. */
export interface PlacedCondition {
  expression: string;
  at: DocumentPath;
  variables: readonly string[];
}

export function stepConditions({ when }: PlanStep, at: DocumentPath): PlacedCondition[] {
  return when === undefined ? [] : [{ expression: when, at: [...at, 'when'], variables: planVariables }];
}

/** The conditions of an action itself, without those of actions in it. */
export function conditionsIn({ action: { route, decide, repeatUntil }, at, locals }: PlacedAction): PlacedCondition[] {
  const variables = [...planVariables, ...locals];
  return [
    ...(route?.rules ?? []).map(({ when }, index) => ({
      ...{ expression: when, at: [...at, 'route', 'rules', index, 'when'], variables },
    })),
    ...(decide?.table?.rules ?? []).map(({ when }, index) => ({
      ...{ expression: when, at: [...at, 'decide', 'table', 'rules', index, 'when'], variables },
    })),
    ...(repeatUntil
      ? [
          {
            expression: repeatUntil.until,
            at: [...at, 'repeatUntil', 'until'],
            variables: [...variables, 'output', 'round'],
          },
        ]
      : []),
  ];
}

function conditionReferences({ expression, variables }: PlacedCondition): readonly (readonly string[])[] {
  const compiled = compileCel(expression, { variables, result: 'bool' });
  return 'faults' in compiled ? [] : compiled.references;
}

/** The action of a step, its fallback, and all actions in them. */
export function actionsOf(step: PlanStep, at: DocumentPath): PlacedAction[] {
  return [
    ...nestedActions({ action: step, at, locals: [], nesting: 0 }),
    ...(step.fallback ? nestedActions({ action: step.fallback, at: [...at, 'fallback'], locals: [], nesting: 0 }) : []),
  ];
}

function nestedActions(placed: PlacedAction): PlacedAction[] {
  return [placed, ...partsOf(placed).flatMap(nestedActions)];
}

/** The actions directly in one. */
export function partsOf({ action, at, locals, nesting }: PlacedAction): PlacedAction[] {
  const part = (inner: PlanAction, where: DocumentPath, ...names: string[]): PlacedAction => ({
    action: inner,
    at: [...at, ...where],
    locals: [...locals, ...names],
    nesting: nesting + 1,
  });
  const { sequence, map, refine, supervise, repeatUntil, route, decide, hedge, withTimeout } = action;
  const named = (actions: Record<string, PlanAction>, where: DocumentPath, ...names: string[]): PlacedAction[] =>
    Object.entries(actions).map(([name, inner]) => part(inner, [...where, name], ...names));
  return [
    ...(['parallel', 'race', 'withFallback'] as const).flatMap((kind) => {
      const inside = action[kind] ?? {};
      return Array.isArray(inside) ? inside.map((inner, index) => part(inner, [kind, index])) : named(inside, [kind]);
    }),
    ...(sequence ?? []).map((inner, index) => part(inner, ['sequence', index], ...(index === 0 ? [] : ['previous']))),
    ...(map ? [part(map.do, ['map', 'do'], 'item', 'index')] : []),
    ...(refine
      ? [
          part(refine.write, ['refine', 'write'], 'draft', 'feedback'),
          part(refine.review, ['refine', 'review'], 'draft'),
        ]
      : []),
    ...(supervise
      ? [
          part(supervise.work, ['supervise', 'work'], 'draft', 'feedback'),
          part(supervise.review, ['supervise', 'review'], 'draft'),
          ...named(supervise.escalate, ['supervise', 'escalate'], 'draft', 'reviews', 'error'),
        ]
      : []),
    ...(repeatUntil ? [part(repeatUntil.do, ['repeatUntil', 'do'], 'round', 'previous')] : []),
    ...(route
      ? [
          ...(route.classify ? [part(route.classify, ['route', 'classify'])] : []),
          ...named(route.routes, ['route', 'routes']),
          part(route.fallback, ['route', 'fallback'], 'unclear'),
        ]
      : []),
    ...(decide?.ensemble ? named(decide.ensemble.voters, ['decide', 'ensemble', 'voters']) : []),
    ...peersOf(action).map(({ turn, where, local }) => part(turn, where, local)),
    ...(action.debate ? [part(action.debate.judge, ['debate', 'judge'], 'debate')] : []),
    ...(hedge ? [part(hedge.do, ['hedge', 'do'])] : []),
    ...(withTimeout ? [part(withTimeout.do, ['withTimeout', 'do'])] : []),
  ];
}

/** Who takes turns in it, and where. */
function peersOf({ handoff, mesh, debate }: PlanAction): { turn: PlanAction; where: DocumentPath; local: string }[] {
  const turns = (kind: 'handoff' | 'mesh', peers: PlanHandoff['peers']) =>
    Object.entries(peers).map(([name, { turn }]) => ({
      ...{ turn, local: 'turn', where: [kind, 'peers', name, 'turn'] },
    }));
  return [
    ...(handoff ? turns('handoff', handoff.peers) : []),
    ...(mesh ? turns('mesh', mesh.peers) : []),
    ...Object.entries(debate?.sides ?? {}).map(([name, { speak }]) => ({
      ...{ turn: speak, local: 'turn', where: ['debate', 'sides', name, 'speak'] },
    })),
  ];
}

/** Values with references that an action itself has, beside its alternatives. */
export function valuesOf(action: PlanAction, at: DocumentPath): { value: unknown; at: DocumentPath }[] {
  const { input, value, map, approval, handoff, mesh, debate, waitForEvent, sleepUntil } = action;
  const given: [unknown, ...DocumentPath][] = [
    [input, 'input'],
    [value, 'value'],
    [map?.over, 'map', 'over'],
    [approval?.detail, 'approval', 'detail'],
    [handoff?.task, 'handoff', 'task'],
    [mesh?.goal, 'mesh', 'goal'],
    [debate?.question, 'debate', 'question'],
    [waitForEvent?.key, 'waitForEvent', 'key'],
    [sleepUntil, 'sleepUntil'],
  ];
  return given.flatMap(([it, ...place]) => (it === undefined ? [] : [{ value: it, at: [...at, ...place] }]));
}

/** The references of an action itself, without those of actions in it. */
export function referencesOf(action: PlanAction, at: DocumentPath): Reference[] {
  const measured = action.decide && criteriaOf(action.decide);
  return [
    ...valuesOf(action, at).flatMap(({ value, at: place }) => referencesIn(value, place)),
    ...(measured
      ? referencesIn(measured.options.alternatives, [...at, 'decide', measured.method, 'alternatives'])
      : []),
  ];
}

/** Ids of the steps no other comes after: whose outputs are the plan's when it names none. */
export function lastSteps(graph: readonly GraphStep[]): string[] {
  const before = new Set(graph.flatMap(({ after }) => after));
  return graph.map(({ name }) => name).filter((name) => !before.has(name));
}
