import { approval, debate, decide, parallel, proxyAgents, type Statement } from 'segno/workflow';
import type { Figures, verdicts } from './agents.js';

const { offerReader, advocate, sceptic, finance, operations, security } = proxyAgents<typeof import('./agents.js')>({
  timeout: '5m',
});

export interface ReviewInput {
  /** USD. */
  budget: number;
  /** Weeks from now. */
  deadline: number;
  /** Name of the supplier → the text of its offer. */
  offers: Record<string, string>;
}

type Verdict = (typeof verdicts)[number];

export interface Review {
  /** The offer that leads; null when none may be bought. */
  offer: string | null;
  verdict: Verdict | 'none';
  decidedBy: 'board' | 'chair' | 'rules';
  /** Score of each offer that was admitted, the best first, with what every criterion has added to it. */
  ranking: { offer: string; score: number; criteria: Record<string, { value: number; weighted: number }> }[];
  /** Offer → what keeps it out. */
  excluded: Record<string, string[]>;
  /** What was said for and against the offer, in order. */
  said: Statement[];
  /** Each decision in one line. */
  why: string[];
}

/** What keeps an offer out; all that apply are told. */
const admission = {
  hit: 'all',
  rules: [
    {
      when: '[input.price, input.weeks, input.savings, input.uptime].exists(x, x == null)',
      decide: 'a figure is missing',
    },
    { when: 'input.price != null && input.price > input.budget', decide: 'over the budget' },
    { when: 'input.weeks != null && input.weeks > input.deadline', decide: 'too late' },
  ],
} as const;

const criteria = {
  price: { weight: 3, goal: 'min' },
  weeks: { weight: 2, goal: 'min' },
  savings: { weight: 3 },
  uptime: { weight: 2 },
} as const;

/** Rules admit offers, figures rank them, two sides argue over the one that leads, and the board votes on it; each decision says why. */
export async function reviewBoard({ budget, deadline, offers }: ReviewInput): Promise<Review> {
  const figures = await parallel(
    Object.fromEntries(
      Object.entries(offers).map(([name, offer]) => [name, () => offerReader({ name, offer })] as const),
    ),
  );
  const excluded: Record<string, string[]> = {};
  const admitted: Record<string, Figures & Measured> = {};
  for (const [name, found] of Object.entries(figures)) {
    const { decision: reasons } = decide.table({ ...found, budget, deadline }, admission);
    if (reasons.length > 0) excluded[name] = [...reasons];
    else admitted[name] = found as Figures & Measured;
  }
  if (Object.keys(admitted).length === 0) {
    const why = ['no offer is admitted'];
    return { offer: null, verdict: 'none', decidedBy: 'rules', ranking: [], excluded, said: [], why };
  }

  const best = decide.topsis({ criteria, alternatives: admitted });
  const other = decide.weightedSum({ criteria, alternatives: admitted });
  const why = [
    best.explanation.text,
    `a weighted sum says ${other.decision === best.decision ? 'the same' : `otherwise: ${other.explanation.text}`}`,
  ];
  const leader = { name: best.decision, offer: offers[best.decision]!, ranking: why.join('; ') };
  const { verdict: voted, said } = await argue(leader);
  const { decision, explanation } = voted;
  why.push(explanation.text);
  const verdict = decision ?? (await askChair(leader, explanation));
  return {
    offer: best.decision,
    verdict,
    decidedBy: decision ? 'board' : 'chair',
    ranking: best.explanation.ranking.map(({ name, score, criteria: scores }) => ({
      offer: name,
      score,
      criteria: scores,
    })),
    excluded,
    said,
    why,
  };
}

type Measured = { [Name in keyof Figures]: number };
interface Leader {
  name: string;
  offer: string;
  ranking: string;
}

/** The board hears both sides before it votes; one of them is better than none. */
function argue(leader: Leader) {
  return debate({
    question: `Shall we buy from ${leader.name}?\nOffer: ${leader.offer}\nRanking: ${leader.ranking}`,
    sides: {
      advocate: { position: 'Buy it as it is.', speak: advocate },
      sceptic: { position: 'Do not buy it as it is.', speak: sceptic },
    },
    judge: ({ said }) => vote(leader, said),
    rounds: 2,
    onFailure: 'continue',
    timeout: '15m',
  });
}

/** Two of three are enough: a member whose model is down does not hold up the board. */
function vote(leader: Leader, said: Statement[]) {
  const ballot = { ...leader, said };
  return decide.ensemble(
    { finance: () => finance(ballot), operations: () => operations(ballot), security: () => security(ballot) },
    {
      options: ['accept', 'negotiate', 'reject'],
      rule: 'calibrated',
      // Models say "very sure" more often than they are right.
      temperatures: { finance: 1.5, operations: 1.5, security: 1.5 },
      quorum: 2,
      timeout: '10m',
    },
  );
}

async function askChair(leader: Leader, explanation: object): Promise<Verdict> {
  const { value } = await approval('chair', {
    title: `The board is split over ${leader.name}`,
    detail: { ...leader, explanation },
    choices: ['accept', 'negotiate', 'reject'],
    timeout: '2 days',
    onExpiry: { approved: true, value: 'negotiate', comment: 'the chair did not decide in time' },
  });
  return value ?? 'reject';
}
