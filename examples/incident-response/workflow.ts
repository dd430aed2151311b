import type { PostTurn } from 'segno';
import {
  approval,
  type BeyondMandate,
  type Hierarchy,
  hierarchy,
  type PostReply,
  proxyAgents,
  proxyTools,
} from 'segno/workflow';
import type { Measure } from './agents.js';

const { commander, operator, databaseKeeper, spokesperson } = proxyAgents<typeof import('./agents.js')>({
  timeout: '5m',
});
const { carryOut } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

export interface IncidentInput {
  /** What the monitoring says. */
  alarm: string;
}

export type Incident = Hierarchy<Measure>;

/** Orders go down and reports up; a measure is carried out by whose mandate holds it, and beyond all mandates a person decides. */
export async function incidentResponse({ alarm }: IncidentInput): Promise<Incident> {
  return hierarchy<Measure>({
    task: alarm,
    top: {
      description: 'answers for the whole incident',
      mandate: 'decision.cost <= 5000',
      lead: led(commander),
      below: {
        operations: {
          description: 'runs the systems',
          mandate: 'decision.cost <= 200 && decision.risk == "low"',
          lead: led(operator),
          budget: { usd: 2 },
          timeout: '1h',
          below: {
            database: {
              description: 'keeps the database running',
              mandate: 'decision.cost == 0 && decision.risk == "low"',
              lead: led(databaseKeeper),
            },
          },
        },
        communications: {
          description: 'tells customers and colleagues',
          mandate: 'decision.cost == 0 && decision.risk == "low"',
          lead: led(spokesperson),
          budget: { usd: 1 },
          timeout: '1h',
        },
      },
    },
    act: (measure, who) => carryOut({ measure, ...who }),
    person: askPerson,
    maxRounds: 2,
    // One post that is down must not end the response.
    onFailure: 'continue',
  });
}

/** A post is told once that it gave an order to nobody; then the order is left out, for no incident should end over a name. */
function led(agent: (turn: PostTurn) => Promise<PostReply<Measure>>) {
  return async (turn: PostTurn): Promise<PostReply<Measure>> => {
    const reply = await agent(turn);
    if (turn.faults.length === 0) return reply;
    const names = turn.below.map(({ name }) => name);
    return { ...reply, orders: reply.orders.filter(({ to }) => names.includes(to)) };
  };
}

async function askPerson({ decision, proposedBy, why, task }: BeyondMandate<Measure>): Promise<Measure | null> {
  const { approved } = await approval('measure', {
    title: `${decision.action}, for $${decision.cost}, at ${decision.risk} risk?`,
    detail: { decision, proposedBy, why, task },
    timeout: '30m',
    onExpiry: { approved: false, comment: 'nobody decided in time' },
  });
  return approved ? decision : null;
}
