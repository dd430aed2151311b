/**
 * A run's steps as the tree a person follows: pattern, branch, agent, turn, tool.
 *
 * Invariants:
 * 1. A node's usage is the sum of its steps'.
 * 2. A lone first turn is the agent itself, and `#1` says nothing: neither is shown.
 * 3. However many steps there are, there are few nodes side by side: a map is one, and so are all nodes after the first 50.
 */
import { fallbackText, type ProgressMap, type ProgressStep, type ProgressWait } from './progressStep.js';

export type ProgressState = 'running' | 'retrying' | 'done' | 'failed' | 'unknown';

export interface ProgressNode {
  label: string;
  path: string;
  state: ProgressState;
  /** Epoch milliseconds. */
  startedAtMs: number;
  finishedAtMs: number | undefined;
  /** The step it stands for, if it does. */
  step?: ProgressStep;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
  error: { type: string; message: string } | undefined;
  /** At the gate, before its calls were sent. */
  waitedMs: number;
  /** `REASON at GATE`, each once. */
  waitedFor: readonly string[];
  /** It waits there now; of a map, the item that has waited longest. */
  waits?: ProgressWait;
  /** `ALIAS (REASON)` of models that did not answer, where another did. */
  fallbackFrom: readonly string[];
  /** Found by guardrails: places redacted, values blocked. */
  guardrails: { redacted: number; blocked: number };
  /** Of a map: how many of its items have ended, and how. */
  items?: { of: number; done: number; failed: number };
  children: ProgressNode[];
}

/**
 * @param steps in the order in which they began
 * @param status the run's: what is still under way when it has ended will not go on, and what failed in one that completed was
 *   taken care of further up: the failed step shows it, what it stands in does not
 * @param maps in the order in which they began
 * @param waiting who has waited longest first
 */
export function progressTree(
  steps: readonly ProgressStep[],
  status = 'running',
  maps: readonly ProgressMap[] = [],
  waiting: readonly ProgressWait[] = [],
): ProgressNode[] {
  const runEnded = status !== 'running';
  const root = emptyNode('', '');
  const nodes = new Map<string, ProgressNode>();
  const insertMap = (map: ProgressMap): void => {
    const { items, done, failed, unknown, finishedAt } = map;
    const step = { ...map, finishedAt: runEnded ? (finishedAt ?? map.startedAt) : finishedAt };
    insert(nodes, root, step, mapState(map, runEnded)).items = { of: items, done, failed: failed + unknown };
  };
  const laterMaps = [...maps];
  for (const step of steps) {
    while (laterMaps[0] && laterMaps[0].startedAt < step.startedAt) insertMap(laterMaps.shift()!);
    insert(nodes, root, step, stateOf(step, runEnded)).step = step;
  }
  laterMaps.forEach(insertMap);
  for (const wait of waiting) {
    const path = maps.find((map) => wait.path.startsWith(`${map.path}/`))?.path ?? wait.path;
    insert(nodes, root, { path, startedAt: wait.since, usage: noUsage }, 'running').waits ??= wait;
  }
  const children = root.children.map(collapse);
  if (status === 'completed') children.forEach(forgive);
  return fewer(children, '');
}

function forgive(node: ProgressNode): void {
  node.children.forEach(forgive);
  const isStep = node.children.length === 0 && !node.items;
  if (isStep || node.state !== 'failed') return;
  node.state = 'done';
  node.error = undefined;
}

function mapState({ items, done, failed, unknown }: ProgressMap, runEnded: boolean): ProgressState {
  if (!runEnded && done + failed + unknown < items) return 'running';
  if (unknown > 0) return 'unknown';
  return done < items ? 'failed' : 'done';
}

const mostSiblings = 50;
const noUsage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

/** Those after the first ones together, as one. */
function fewer(nodes: readonly ProgressNode[], parent: string): ProgressNode[] {
  if (nodes.length <= mostSiblings + 1) return [...nodes];
  const rest = nodes.slice(mostSiblings);
  const more = emptyNode(`… and ${rest.length} more`, `${parent}…`);
  for (const node of rest) sumUp(more, node);
  return [...nodes.slice(0, mostSiblings), more];
}

function sumUp(sum: ProgressNode, node: ProgressNode): void {
  if (rank[node.state] > rank[sum.state]) sum.state = node.state;
  sum.startedAtMs = Math.min(sum.startedAtMs, node.startedAtMs);
  sum.finishedAtMs =
    sum.finishedAtMs === undefined || node.finishedAtMs === undefined
      ? undefined
      : Math.max(sum.finishedAtMs, node.finishedAtMs);
  sum.inputTokens += node.inputTokens;
  sum.outputTokens += node.outputTokens;
  sum.costUsd += node.costUsd;
  sum.error = node.error ?? sum.error;
  sum.waitedMs += node.waitedMs;
  sum.guardrails = {
    redacted: sum.guardrails.redacted + node.guardrails.redacted,
    blocked: sum.guardrails.blocked + node.guardrails.blocked,
  };
  sum.waitedFor = [...new Set([...sum.waitedFor, ...node.waitedFor])];
  sum.fallbackFrom = [...new Set([...sum.fallbackFrom, ...node.fallbackFrom])];
}

function emptyNode(label: string, path: string): ProgressNode {
  return {
    label,
    path,
    state: 'done',
    startedAtMs: Number.POSITIVE_INFINITY,
    finishedAtMs: Number.NEGATIVE_INFINITY,
    ...noUsage,
    error: undefined,
    waitedMs: 0,
    waitedFor: [],
    fallbackFrom: [],
    guardrails: { redacted: 0, blocked: 0 },
    children: [],
  };
}

type Inserted = Pick<
  ProgressStep,
  'path' | 'startedAt' | 'finishedAt' | 'usage' | 'error' | 'waitedMs' | 'waitedFor' | 'fallbackFrom' | 'guardrails'
>;

/** @returns its node */
function insert(
  nodes: Map<string, ProgressNode>,
  root: ProgressNode,
  step: Inserted,
  state: ProgressState,
): ProgressNode {
  let node = root;
  const segments = step.path.split('/');
  segments.forEach((segment, depth) => {
    const path = segments.slice(0, depth + 1).join('/');
    let child = nodes.get(path);
    if (!child) {
      child = emptyNode(labelOf(segment), path);
      nodes.set(path, child);
      node.children.push(child);
    }
    add(child, step, state);
    node = child;
  });
  return node;
}

function labelOf(segment: string): string {
  return decodeURIComponent(
    segment
      .replace(/#1$/, '')
      .replace('#', ' ')
      .replace(/%(?![0-9A-F]{2})/g, '%25'),
  );
}

function stateOf({ state, error }: ProgressStep, runEnded: boolean): ProgressState {
  if (state === 'done' || state === 'unknown') return state;
  if (runEnded) return 'failed';
  if (state === 'failed') return error?.retryable ? 'retrying' : 'failed';
  return 'running';
}

const rank: Record<ProgressState, number> = { done: 0, failed: 1, unknown: 2, retrying: 3, running: 4 };

function add(node: ProgressNode, step: Inserted, state: ProgressState): void {
  const { inputTokens, outputTokens, costUsd } = step.usage;
  sumUp(node, {
    ...emptyNode('', ''),
    ...{ state, inputTokens, outputTokens, costUsd, error: step.error },
    waitedMs: step.waitedMs ?? 0,
    waitedFor: step.waitedFor ?? [],
    fallbackFrom: (step.fallbackFrom ?? []).map(fallbackText),
    guardrails: countFindings(step.guardrails),
    startedAtMs: Date.parse(step.startedAt),
    finishedAtMs: step.finishedAt === undefined || state === 'retrying' ? undefined : Date.parse(step.finishedAt),
  });
}

function countFindings(findings: ProgressStep['guardrails'] = []): ProgressNode['guardrails'] {
  const redacted = findings.filter(({ action }) => action === 'redact').reduce((sum, { count }) => sum + count, 0);
  return { redacted, blocked: findings.filter(({ action }) => action === 'block').length };
}

function collapse(node: ProgressNode): ProgressNode {
  const only = node.children.length === 1 ? node.children[0] : undefined;
  if (only?.label === 'turn') {
    const { step, waits } = only;
    const own = { ...(step && { step }), ...(waits && { waits }) };
    return { ...node, ...own, children: fewer(only.children.map(collapse), `${node.path}/`) };
  }
  return { ...node, children: fewer(node.children.map(collapse), `${node.path}/`) };
}
