/**
 * A run's steps as the tree a person follows: pattern, branch, agent, turn, tool.
 *
 * Invariants:
 * 1. A node's usage is the sum of its steps'.
 * 2. A lone first turn is the agent itself, and `#1` says nothing: neither is shown.
 */
export interface ProgressStep {
  path: string;
  state: 'reserved' | 'sent' | 'done' | 'failed' | 'unknown';
  attempts: number;
  /** ISO 8601. */
  startedAt: string;
  finishedAt?: string | undefined;
  usage: { inputTokens: number; outputTokens: number; costUsd: number };
  error?: { type: string; message: string; retryable: boolean } | undefined;
}

export type ProgressState = 'running' | 'retrying' | 'done' | 'failed' | 'unknown';

export interface ProgressNode {
  label: string;
  path: string;
  state: ProgressState;
  /** Epoch milliseconds. */
  startedAtMs: number;
  finishedAtMs: number | undefined;
  attempts: number;
  inputTokens: number;
  outputTokens: number;
  costUsd: number;
  error: { type: string; message: string } | undefined;
  children: ProgressNode[];
}

/** @param runEnded a step that is still under way when its run has ended will not go on */
export function progressTree(steps: readonly ProgressStep[], runEnded = false): ProgressNode[] {
  const root = emptyNode('', '');
  for (const step of steps) insert(root, step, runEnded);
  return root.children.map(collapse);
}

function emptyNode(label: string, path: string): ProgressNode {
  return {
    label,
    path,
    state: 'done',
    startedAtMs: Number.POSITIVE_INFINITY,
    finishedAtMs: Number.NEGATIVE_INFINITY,
    attempts: 0,
    inputTokens: 0,
    outputTokens: 0,
    costUsd: 0,
    error: undefined,
    children: [],
  };
}

function insert(root: ProgressNode, step: ProgressStep, runEnded: boolean): void {
  let node = root;
  const segments = step.path.split('/');
  segments.forEach((segment, depth) => {
    const path = segments.slice(0, depth + 1).join('/');
    let child = node.children.find((candidate) => candidate.path === path);
    if (!child) {
      child = emptyNode(labelOf(segment), path);
      node.children.push(child);
    }
    add(child, step, stateOf(step, runEnded));
    node = child;
  });
  node.attempts = step.attempts;
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

function add(node: ProgressNode, step: ProgressStep, state: ProgressState): void {
  if (rank[state] > rank[node.state]) node.state = state;
  node.startedAtMs = Math.min(node.startedAtMs, Date.parse(step.startedAt));
  const finishedAtMs = step.finishedAt === undefined ? undefined : Date.parse(step.finishedAt);
  node.finishedAtMs =
    finishedAtMs === undefined || node.finishedAtMs === undefined
      ? undefined
      : Math.max(node.finishedAtMs, finishedAtMs);
  node.inputTokens += step.usage.inputTokens;
  node.outputTokens += step.usage.outputTokens;
  node.costUsd += step.usage.costUsd;
  node.error = step.error ?? node.error;
}

function collapse(node: ProgressNode): ProgressNode {
  const only = node.children.length === 1 ? node.children[0] : undefined;
  if (only?.label === 'turn') return { ...node, attempts: only.attempts, children: only.children.map(collapse) };
  return { ...node, children: node.children.map(collapse) };
}
