import { sleep } from '@temporalio/workflow';
import { drawUniform } from '../../../../core/chaos/drawUniform.js';
import { debate, fail, handoff, hierarchy, mesh, type Post, type Ruling } from '../../../../workflows/index.js';

/** What a peer says in one turn, or that it fails, or sleeps first. */
export interface Said {
  handTo?: string | null;
  text?: string;
  messages?: { to: string; text: string }[];
  waitsFor?: string[];
  done?: boolean;
  concedes?: boolean;
  fails?: string;
  sleepMs?: number;
}

export interface Talk {
  pattern: 'handoff' | 'mesh' | 'debate';
  /** What each says in its first turn, its second, …; the last is repeated. */
  script: Record<string, Said[]>;
  options?: object;
}

/** Peers that say what is written; with what each of them was told. */
export async function talk({ pattern, script, options = {} }: Talk): Promise<unknown> {
  const told: { name: string; turn: unknown }[] = [];
  const turnOf = (name: string) => {
    let turns = 0;
    return async (turn: unknown) => {
      const lines = script[name]!;
      const line = lines[Math.min(turns, lines.length - 1)]!;
      turns += 1;
      told.push({ name, turn: JSON.parse(JSON.stringify(turn)) });
      if (line.sleepMs !== undefined) await sleep(line.sleepMs);
      if (line.fails !== undefined) throw fail(line.fails as 'Tool.Failed', `${name} failed`);
      return {
        ...{ handTo: null, text: 'text', messages: [], waitsFor: [], done: false, concedes: false },
        ...line,
      };
    };
  };
  const names = Object.keys(script);
  const peers = Object.fromEntries(names.map((name) => [name, { description: `is ${name}`, turn: turnOf(name) }]));
  const start = (): Promise<unknown> => {
    if (pattern === 'handoff') return handoff({ task: 'task', peers, start: names[0]!, ...options });
    if (pattern === 'mesh') return mesh({ goal: 'goal', peers, ...options });
    return debate({
      question: 'question',
      sides: Object.fromEntries(names.map((name) => [name, { position: `for ${name}`, speak: peers[name]!.turn }])),
      judge: ({ said }) => Promise.resolve(said.map(({ by, round }) => `${by}${round}`).join(' ')),
      ...options,
    });
  };
  const result = await start();
  return { result, told };
}

interface Spending {
  cost: number;
  risk: number;
}

export interface Governed {
  decisions: number;
  refused: number;
  escalations: number;
  byPerson: number;
  /** Decisions that were carried out though whoever decided them may not. */
  violations: Ruling<Spending>[];
}

/** Random trees with random mandates, whose posts propose, pass on, change and refuse at random. */
export async function governTrees({ seed, count }: { seed: number; count: number }): Promise<Governed> {
  let draws = 0;
  const next = (most: number): number => Math.floor(drawUniform(seed, (draws += 1)) * (most + 1));
  const governed: Governed = { decisions: 0, refused: 0, escalations: 0, byPerson: 0, violations: [] };
  for (let tree = 0; tree < count; tree += 1) {
    // Each tree in a workflow task of its own: nothing else in it waits.
    await sleep(1);
    const limits = new Map<string, Spending>();
    const spending = (): Spending => ({ cost: next(1_000), risk: next(10) });
    const grow = (at: string, depth: number): Post<Spending> => {
      const limit = spending();
      limits.set(at, limit);
      const below = depth > 3 ? [] : Array.from({ length: next(3) }, (_, index) => `p${index}`);
      return {
        description: at,
        mandate: `decision.cost <= ${limit.cost} && decision.risk <= ${limit.risk}`,
        lead: (turn) => {
          const orders = turn.reports.length > 0 || turn.asked ? [] : turn.below.filter(() => next(2) > 0);
          const passed = turn.asked && next(3) > 0 ? (turn.asked.decision as Spending) : spending();
          return Promise.resolve({
            report: at,
            orders: orders.map(({ name }) => ({ to: name, task: `${turn.task}.${name}` })),
            decision: next(3) === 0 ? null : passed,
          });
        },
        below: Object.fromEntries(below.map((name) => [name, grow(`${at}/${name}`, depth + 1)])),
      };
    };
    const { decisions, escalations } = await hierarchy<Spending>({
      ...{ task: 'task', top: grow('top', 1) },
      act: ({ cost }) => Promise.resolve(cost),
      person: ({ decision }) => Promise.resolve(next(1) === 0 ? null : decision),
    });
    governed.escalations += escalations;
    for (const ruling of decisions) {
      governed.decisions += 1;
      if (ruling.refused) governed.refused += 1;
      else if (ruling.decidedBy === 'person') governed.byPerson += 1;
      else {
        const { cost, risk } = limits.get(ruling.decidedBy)!;
        if (ruling.decision.cost > cost || ruling.decision.risk > risk) governed.violations.push(ruling);
      }
    }
  }
  return governed;
}
