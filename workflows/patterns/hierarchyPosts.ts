import type { BudgetAmounts } from '../../core/admission/settings.js';
import { compileMandate, type Mandate, type PostTurn } from '../../core/mandate.js';
import { type Duration, durationFaults } from '../deadline.js';

export interface PostReply<Decision> {
  /** What came of the task, for whoever gave it. */
  report: string;
  /** What somebody below is to do. */
  orders: { to: string; task: string }[];
  /** What is proposed, or, when asked, what the answer is; null for none, or no. */
  decision: Decision | null;
}

export interface Post<Decision> {
  /** What it is for; the post above gives orders by it. */
  description: string;
  /** A CEL expression over `decision` and `task`: `decision.cost <= 100 && decision.risk == "low"`. */
  mandate: string;
  /** An agent with `postTurnSchema` and `postReplySchema`, or a function. */
  lead: (turn: PostTurn) => Promise<PostReply<Decision>>;
  /** Of an order to it, with all that follows from it. */
  budget?: BudgetAmounts;
  /** Of an order to it, with all that follows from it. */
  timeout?: Duration;
  below?: Readonly<Record<string, Post<Decision>>>;
}

/** A post in its place. */
export interface CompiledPost<Decision> extends Post<Decision> {
  /** `top/operations`. */
  at: string;
  holds: Mandate;
  above?: CompiledPost<Decision>;
  children: Record<string, CompiledPost<Decision>>;
}

const mostPosts = 100;
const mostTiers = 10;

/** The tree below `top` with its mandates ready to be asked, and everything that is wrong with it. */
export function compilePosts<Decision>(top: Post<Decision>): { root: CompiledPost<Decision>; faults: string[] } {
  const faults: string[] = [];
  const root = compile('top', top, undefined, faults);
  const posts = countPosts(root);
  if (posts > mostPosts) faults.push(`there are ${posts} posts, of at most ${mostPosts}`);
  return { root, faults };
}

function compile<Decision>(
  at: string,
  post: Post<Decision>,
  above: CompiledPost<Decision> | undefined,
  faults: string[],
): CompiledPost<Decision> {
  const compiled = compileMandate(post.mandate);
  if ('faults' in compiled) faults.push(...compiled.faults.map((fault) => `${at}: mandate: ${fault}`));
  faults.push(...durationFaults({ [`${at}: timeout`]: post.timeout }));
  const node: CompiledPost<Decision> = {
    ...post,
    ...{ at, children: {} },
    holds: 'faults' in compiled ? () => ({ exceeds: 'it has no mandate' }) : compiled,
    ...(above && { above }),
  };
  if (at.split('/').length > mostTiers) {
    faults.push(`${at}: there are more than ${mostTiers} tiers`);
    return node;
  }
  for (const [name, below] of Object.entries(post.below ?? {})) {
    if (name === '' || name === 'person' || name === '__proto__' || name.includes('/'))
      faults.push(`${at}: "${name}" is no name for a post`);
    else node.children[name] = compile(`${at}/${name}`, below, node, faults);
  }
  return node;
}

function countPosts<Decision>({ children }: CompiledPost<Decision>): number {
  return Object.values(children).reduce((count, child) => count + countPosts(child), 1);
}
