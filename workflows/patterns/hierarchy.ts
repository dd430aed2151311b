/**
 * Posts in tiers, each with a mandate for what it may decide by itself.
 *
 * Invariants:
 * 1. A decision is acted upon only where it is within the mandate of who decides it, or a person's.
 * 2. What exceeds a mandate goes one tier up at a time, above the top to a person. Saying no takes no mandate.
 * 3. Task, deadline and budget of a post hold for all below it that work on its orders.
 */
import type { PostTurn } from '../../core/mandate.js';
import { type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, nextPath } from '../scope.js';
import { complete, settle } from '../settle.js';
import { type CompiledPost, compilePosts, type Post, type PostReply } from './hierarchyPosts.js';
import { parallel } from './parallel.js';
import { rangeFaults } from './rangeFaults.js';
import { usableReply } from './usableReply.js';
import { withBudget } from './withBudget.js';

/** A decision that nobody in the hierarchy may take. */
export interface BeyondMandate<Decision> {
  decision: Decision;
  proposedBy: string;
  why: string;
  task: string;
}

export interface HierarchyOptions<Decision> {
  task: string;
  top: Post<Decision>;
  /** Carries a decision out. */
  act: (decision: Decision, who: { proposedBy: string; decidedBy: string }) => Promise<unknown>;
  /** Decides what is beyond the mandate of the top (`approval`); null is no. */
  person: (ask: BeyondMandate<Decision>) => Promise<Decision | null>;
  /** Turns of a post on one task: orders, their reports, further orders. 1 to 10. Default 3. */
  maxRounds?: number;
  /** `continue`: a post that fails is a report to the one above. Default `fail`. */
  onFailure?: 'fail' | 'continue';
  /** Limit of it all. Default: none. */
  timeout?: Duration;
}

export interface Ruling<Decision> {
  decision: Decision;
  proposedBy: string;
  /** A post, or `person`. */
  decidedBy: string;
  refused: boolean;
  /** What carrying it out gave. */
  output?: unknown;
}

export interface Hierarchy<Decision> {
  /** Of the top. */
  report: string;
  /** In the order in which they were settled. */
  decisions: Ruling<Decision>[];
  /** Decisions that went up, each tier counted. */
  escalations: number;
}

export type { Post, PostReply };

const mostRounds = 10;
const mostOrders = 20;
/** Of a run, all posts together. */
const mostOrdersInAll = 500;
/** Characters of a report that goes up. */
const longestReport = 4_000;
const toldFaults = 10;

/**
 * Give a task to the top of a hierarchy: orders go down, reports and what exceeds a mandate go up.
 *
 * @throws ApplicationFailure of a post, of `act` or `person`; `Peer.InvalidReply`; `Step.DeadlineExceeded`; `Pattern.InvalidSteps`
 *   before anything runs
 */
export async function hierarchy<Decision>(options: HierarchyOptions<Decision>): Promise<Hierarchy<Decision>> {
  const { task, top, maxRounds = 3, timeout } = options;
  const { root, faults } = compilePosts(top);
  faults.push(...rangeFaults({ maxRounds }, 1, mostRounds), ...durationFaults({ timeout }));
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `hierarchy:\n${faults.join('\n')}`);
  const path = nextPath('hierarchy');
  try {
    const run = new HierarchyRun(path, { ...options, maxRounds });
    return await complete(path, () => run.start(root, task), { timeout });
  } finally {
    endProgress(path);
  }
}

class HierarchyRun<Decision> {
  /** Each with the place where it was settled. */
  private readonly settledAt: { place: string; ruling: Ruling<Decision> }[] = [];
  private escalations = 0;
  private orders = 0;

  constructor(
    private readonly path: string,
    private readonly options: HierarchyOptions<Decision> & { maxRounds: number },
  ) {}

  async start(root: CompiledPost<Decision>, task: string): Promise<Hierarchy<Decision>> {
    const report = await this.carryOut(branchPath(this.path, 'top'), root, task, []);
    return { report, decisions: this.settledAt.map(({ ruling }) => ruling), escalations: this.escalations };
  }

  /** An order, with all that follows from it. */
  private carryOut(
    place: string,
    node: CompiledPost<Decision>,
    task: string,
    context: readonly string[],
  ): Promise<string> {
    const work = (): Promise<string> => this.work(place, node, task, context);
    const { budget, timeout } = node;
    return complete(place, budget ? () => withBudget(budget, work) : work, { timeout });
  }

  private async work(
    place: string,
    node: CompiledPost<Decision>,
    task: string,
    context: readonly string[],
  ): Promise<string> {
    const reports: PostTurn['reports'] = [];
    for (let round = 1; ; round += 1) {
      this.show();
      const last = round === this.options.maxRounds;
      const turn = { task, context: [...context], reports: [...reports], asked: null };
      const { report, orders, decision } = await this.ask(branchPath(place, `turn#${round}`), node, turn, last);
      if (decision !== null) {
        const ruling = await this.settleDecision(branchPath(place, `decision#${round}`), node, decision, task);
        reports.push({ from: ruling.decidedBy, report: tell(ruling) });
      }
      if (orders.length === 0) return [report, ...reports.map((told) => `${told.from}: ${told.report}`)].join('\n');
      this.orders += orders.length;
      if (this.orders > mostOrdersInAll) {
        throw fail('Pattern.RoundLimit', `${this.path}: more than ${mostOrdersInAll} orders were given`, place);
      }
      const carryOut = (order: { to: string; task: string }, index: number) => async () => {
        const at = branchPath(place, `order#${round}.${index + 1} ${order.to}`);
        const told = await this.delegate(at, node, order, [...context, task]);
        return { from: order.to, report: told.slice(0, longestReport) };
      };
      reports.push(...(await parallel(orders.map(carryOut))));
    }
  }

  private async delegate(
    place: string,
    node: CompiledPost<Decision>,
    { to, task }: { to: string; task: string },
    context: string[],
  ): Promise<string> {
    const child = node.children[to]!;
    if (this.options.onFailure !== 'continue') return this.carryOut(place, child, task, context);
    const result = await settle(place, () => this.carryOut(place, child, task, context));
    if (result.status === 'completed') return result.output;
    const below = this.settledAt.filter((settled) => settled.place.startsWith(`${place}/`));
    return [`failed: ${result.error.type}: ${result.error.message}`, ...below.map(({ ruling }) => tell(ruling))].join(
      '\n',
    );
  }

  /** One tier up at a time, until it is within somebody's mandate. */
  private async settleDecision(
    place: string,
    proposer: CompiledPost<Decision>,
    proposed: Decision,
    task: string,
  ): Promise<Ruling<Decision>> {
    const proposedBy = proposer.at;
    let decision = proposed;
    for (let node = proposer, tiers = 1; ; tiers += 1) {
      const verdict = node.holds({ decision, task });
      if ('within' in verdict) return this.actUpon(place, decision, { proposedBy, decidedBy: node.at });
      this.escalations += 1;
      this.show();
      const { above } = node;
      const ask = { decision, why: `${verdict.exceeds} of ${node.at}` };
      const answer = above
        ? await this.askAbove(branchPath(place, `up#${tiers}`), above, { from: node.at, ...ask }, task)
        : await complete(branchPath(place, 'person'), () => this.options.person({ ...ask, proposedBy, task }));
      const decidedBy = above?.at ?? 'person';
      if (answer === null) return this.settled(place, { decision, proposedBy, decidedBy, refused: true });
      decision = answer;
      if (!above) return this.actUpon(place, decision, { proposedBy, decidedBy });
      node = above;
    }
  }

  private async askAbove(
    place: string,
    above: CompiledPost<Decision>,
    asked: NonNullable<PostTurn['asked']>,
    task: string,
  ): Promise<Decision | null> {
    const { decision } = await this.ask(place, above, { task, context: [], reports: [], asked }, true);
    return decision;
  }

  private async actUpon(
    place: string,
    decision: Decision,
    who: { proposedBy: string; decidedBy: string },
  ): Promise<Ruling<Decision>> {
    const output = await complete(branchPath(place, 'act'), () => this.options.act(decision, who));
    return this.settled(place, { decision, ...who, refused: false, output });
  }

  private settled(place: string, ruling: Ruling<Decision>): Ruling<Decision> {
    this.settledAt.push({ place, ruling });
    this.show();
    return ruling;
  }

  /** @param final there is no time for orders any more */
  private ask(
    place: string,
    node: CompiledPost<Decision>,
    turn: Pick<PostTurn, 'task' | 'context' | 'reports' | 'asked'>,
    final: boolean,
  ): Promise<PostReply<Decision>> {
    const names = final ? [] : Object.keys(node.children);
    const below = names.map((name) => ({ name, description: node.children[name]!.description }));
    return complete(place, () =>
      usableReply(
        node.at,
        (faults) => node.lead({ post: node.at, ...turn, below, faults }),
        ({ orders }) => [
          ...(orders.length > mostOrders ? [`there are ${orders.length} orders, of at most ${mostOrders}`] : []),
          ...orders
            .filter(({ to }) => !names.includes(to))
            .slice(0, toldFaults)
            .map(({ to }) => `${to.slice(0, 100)} is not below; there are: ${names.join(', ') || 'none'}`),
        ],
      ),
    );
  }

  private show(): void {
    const refused = this.settledAt.filter(({ ruling }) => ruling.refused).length;
    const counts = { decided: this.settledAt.length - refused, refused, escalated: this.escalations };
    showProgress(this.path, { pattern: 'hierarchy', counts });
  }
}

function tell<Decision>({ decision, refused, output }: Ruling<Decision>): string {
  const what = JSON.stringify(decision).slice(0, 500);
  if (refused) return `no to ${what}`;
  return output === undefined ? `done: ${what}` : `done: ${what}: ${JSON.stringify(output).slice(0, 500)}`;
}
