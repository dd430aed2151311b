import { setTimeout as delay } from 'node:timers/promises';
import type { Run, RunDetails, SegnoClient } from '../client/index.js';
import { type ProgressNode, progressTree } from '../core/progressTree.js';
import { queuedText } from '../core/places.js';
import { LiveBlock } from './liveBlock.js';
import { colours, formatCost, formatDuration, formatTokens, printable } from './output.js';
import { itemsOf, renderProgress } from './renderProgress.js';
import { approvalLines, renderUnderWay, warningLine } from './renderUnderWay.js';

const pollMs = 250;
const askMs = 1_000;
/** After this long without a first step, somebody should know that no worker may be running. */
const noWorkerHintMs = 8_000;

export interface WatchOptions {
  stream: NodeJS.WriteStream;
  /** Nothing at all is drawn. */
  quiet: boolean;
}

/** Show a run's progress until it ends: a tree that is drawn in place on a terminal, a line for every change elsewhere. */
export async function watchRun(client: SegnoClient, run: Run, { stream, quiet }: WatchOptions): Promise<void> {
  const ended = run.result().then(
    () => true,
    () => true,
  );
  if (quiet) {
    await ended;
    return;
  }
  const view = stream.isTTY ? new TreeView(stream) : new LineView(stream);
  const underWay = new UnderWay(client, run.id);
  let tookMs = 0;
  for (let over = false; !over;) {
    over = await Promise.race([ended, delay(Math.max(pollMs, 3 * tookMs), false)]);
    const askedAtMs = Date.now();
    const details = await client.show(run.id).catch(() => undefined);
    // A run of 100,000 items takes the ledger a while to count; it has other things to do.
    tookMs = Date.now() - askedAtMs;
    if (details) view.show(details.status === 'running' ? { ...details, ...underWay.latest() } : details);
  }
  view.end();
}

/** Asked in the background and less often: workers answer it, one that is busy or gone keeps nothing waiting. */
class UnderWay {
  private known: Pick<RunDetails, 'approvals' | 'patterns'> = {};
  private askedAtMs = 0;
  private asking = false;

  constructor(
    private readonly client: SegnoClient,
    private readonly run: string,
  ) {}

  latest(): Pick<RunDetails, 'approvals' | 'patterns'> {
    if (!this.asking && Date.now() - this.askedAtMs >= askMs) void this.ask();
    return this.known;
  }

  private async ask(): Promise<void> {
    this.asking = true;
    this.askedAtMs = Date.now();
    try {
      const { approvals, patterns } = await this.client.show(this.run, { underWay: true });
      this.known = { ...(approvals && { approvals }), ...(patterns && { patterns }) };
    } catch {
      // What was known stays; the next time may do better.
    } finally {
      this.asking = false;
    }
  }
}

class TreeView {
  private readonly block: LiveBlock;
  constructor(private readonly stream: NodeJS.WriteStream) {
    this.block = new LiveBlock(stream);
  }

  show(details: RunDetails): void {
    const c = colours(this.stream);
    const tree = progressTree(details.steps, details.status, details.maps, details.waiting);
    this.block.draw([
      ...renderProgress(tree, Date.now(), this.stream),
      ...renderUnderWay(details, this.stream),
      c.dim(totals(details)),
      ...hints(details).map(c.yellow),
    ]);
  }

  end(): void {
    this.block.end();
  }
}

class LineView {
  private readonly said = new Map<string, string>();
  constructor(private readonly stream: NodeJS.WriteStream) {}

  show(details: RunDetails): void {
    const leaves = (nodes: readonly ProgressNode[]): ProgressNode[] =>
      nodes.flatMap((node) => (node.children.length === 0 ? [node] : leaves(node.children)));
    for (const node of leaves(progressTree(details.steps, details.status, details.maps, details.waiting))) {
      const { attempts = 0 } = node.step ?? {};
      const doing = node.waits ? `waiting for ${node.waits.waitsFor}` : node.state;
      const state = `${doing}${attempts > 1 ? ` (attempt ${attempts})` : ''}${tenthsOf(node)}`;
      if (this.said.get(node.path) === state) continue;
      this.said.set(node.path, state);
      const tokens = node.inputTokens + node.outputTokens;
      const parts = [state.replace(/ \[.*$/, ''), node.path, itemsOf(node)].filter((part) => part !== '');
      if (node.finishedAtMs !== undefined)
        parts.push(formatDuration(Math.max(0, node.finishedAtMs - node.startedAtMs)));
      if (tokens > 0) parts.push(`${formatTokens(tokens)} tokens`);
      if (node.costUsd > 0) parts.push(formatCost(node.costUsd));
      if (node.error && node.state !== 'done') parts.push(node.error.type);
      this.stream.write(`${printable(parts.join('  '))}\n`);
    }
    for (const hint of [...hints(details), ...approvalLines(details.approvals ?? [])]) {
      if (this.said.has(hint)) continue;
      this.said.set(hint, 'said');
      this.stream.write(`${hint}\n`);
    }
  }

  end(): void {}
}

/** A map is told of ten times, not at each of its items. */
function tenthsOf({ items }: ProgressNode): string {
  return items ? ` [${Math.floor((10 * (items.done + items.failed)) / Math.max(1, items.of))}]` : '';
}

function totals({ id, status, durationMs, steps, maps, usage }: RunDetails): string {
  const tokens = [...steps, ...maps].reduce((sum, { usage }) => sum + usage.inputTokens + usage.outputTokens, 0);
  return `${id}  ${status}  ${formatDuration(durationMs)}  ${formatTokens(tokens)} tokens  ${formatCost(usage.costUsd)}`;
}

function hints(details: RunDetails): string[] {
  const warned = (details.warnings ?? []).map(warningLine);
  if (details.stuck !== undefined) return [...warned, details.stuck];
  if (details.queued) return [...warned, printable(queuedText(details.queued))];
  const idle =
    details.status === 'running' &&
    details.steps.length + details.maps.length === 0 &&
    details.durationMs > noWorkerHintMs;
  return idle ? [...warned, 'no step has begun yet: is a worker running? (segno dev, or segno worker)'] : warned;
}
