import { debate, handoff, hierarchy, mesh, type Post, saga } from '../../../../workflows/index.js';
import type { Spec } from './spec.js';

type OfPeers = Extract<Spec, { do: 'saga' | 'handoff' | 'mesh' | 'debate' | 'hierarchy' }>;

interface Spending {
  cost: number;
}

const nameOf = (index: number): string => `peer${index}`;

/** `saga`, `handoff`, `mesh`, `debate` and `hierarchy` of a composition. */
export async function runPeers(
  spec: OfPeers,
  name: string,
  runSpec: (name: string, spec: Spec) => Promise<unknown>,
): Promise<unknown> {
  const run = async (body: Spec): Promise<string> => JSON.stringify(await runSpec(name, body));
  if (spec.do === 'saga') {
    return saga(async (undo) => {
      undo('undone', () => run(spec.undo));
      return run(spec.body);
    });
  }
  const given = {
    ...(spec.onFailure && { onFailure: spec.onFailure }),
    ...(spec.timeout !== undefined && { timeout: spec.timeout }),
  };
  switch (spec.do) {
    case 'handoff':
      return handoff({
        ...{ task: 'task', start: nameOf(0), ...given },
        ...(spec.maxTurns !== undefined && { maxTurns: spec.maxTurns }),
        peers: peersOf(spec.peers, (body, index) => async () => ({
          text: await run(body),
          handTo: spec.to[index] ?? null,
        })),
      });
    case 'mesh':
      return mesh({
        ...{ goal: 'goal', ...given },
        ...(spec.maxRounds !== undefined && { maxRounds: spec.maxRounds }),
        peers: peersOf(spec.peers, (body) => {
          let turns = 0;
          return async () => {
            const text = await run(body);
            turns += 1;
            return { messages: [{ to: 'all', text }], waitsFor: [], done: turns >= spec.doneAfter };
          };
        }),
      });
    case 'debate':
      return debate({
        ...{ question: 'question', ...given },
        ...(spec.rounds !== undefined && { rounds: spec.rounds }),
        sides: Object.fromEntries(
          spec.sides.map((body, index) => [
            nameOf(index),
            { position: nameOf(index), speak: async () => ({ text: await run(body), concedes: false }) },
          ]),
        ),
        judge: async ({ said }) => ({ heard: said.length, word: await run(spec.judge) }),
      });
    case 'hierarchy': {
      const answers: Post<Spending>['lead'] = (turn) =>
        Promise.resolve({ report: 'report', orders: [], decision: (turn.asked?.decision ?? null) as Spending | null });
      return hierarchy<Spending>({
        ...{ task: 'task', ...given },
        top: {
          ...{ description: 'leads', mandate: 'decision.cost <= 100' },
          lead: (turn) =>
            turn.asked || turn.reports.length > 0
              ? answers(turn)
              : Promise.resolve({
                  ...{ report: 'report', decision: null },
                  orders: turn.below.map((post) => ({ to: post.name, task: 'part' })),
                }),
          below: Object.fromEntries(
            spec.posts.map((body, index) => [
              nameOf(index),
              {
                ...{ description: 'works', mandate: 'decision.cost <= 10' },
                lead: async () => ({ report: await run(body), orders: [], decision: { cost: spec.costs[index] ?? 0 } }),
              },
            ]),
          ),
        },
        act: ({ cost }, { decidedBy }) => Promise.resolve(`${decidedBy} spends ${cost}`),
        person: async ({ decision }) => {
          await run(spec.person);
          return decision;
        },
      });
    }
  }
}

function peersOf<Turn>(
  bodies: readonly Spec[],
  turnOf: (body: Spec, index: number) => Turn,
): Record<string, { description: string; turn: Turn }> {
  return Object.fromEntries(
    bodies.map((body, index) => [nameOf(index), { description: nameOf(index), turn: turnOf(body, index) }]),
  );
}
