import { approval, proxyAgents, route, supervise } from 'segno/workflow';
import type { Reply, Ticket } from './agents.js';

const { classifier, supportAgent, reviewer, seniorAgent, caseAnalyst } = proxyAgents<typeof import('./agents.js')>({
  timeout: '5m',
});

export interface TriageInput {
  ticket: Ticket;
}

/** Rules first, then a model, then a person: each ticket takes the path it needs, and somebody stands behind every answer. */
export async function supportTriage({ ticket }: TriageInput) {
  const {
    route: path,
    by,
    confidence,
    output,
  } = await route(
    { ticket },
    {
      rules: [
        { when: 'input.ticket.plan == "enterprise" && input.ticket.priority == "high"', to: 'urgent' },
        {
          when: '["outage", "is down", "data loss", "charged twice"].exists(cue, input.ticket.text.lowerAscii().contains(cue))',
          to: 'urgent',
        },
      ],
      classify: classifier,
      minConfidence: 0.6,
      routes: {
        urgent: () => answer(ticket, 1),
        analysis: async () => ({ ...(await caseAnalyst({ ticket })), ...(await answer(ticket, 3)) }),
        general: () => answer(ticket, 3),
      },
      fallback: () => askPerson(ticket, undefined),
    },
  );
  return { path, decidedBy: by, ...(confidence !== undefined && { confidence }), ...output };
}

interface Answer extends Reply {
  from: string;
}

/** Drafts until the reviewer accepts one; after `maxRounds` the senior takes over, and after the senior a person. */
async function answer(ticket: Ticket, maxRounds: number): Promise<Answer> {
  const { output, by } = await supervise({
    work: (feedback) => supportAgent({ ticket, feedback: feedback ?? [] }),
    review: (draft) => reviewer({ ticket, draft }),
    maxRounds,
    escalate: {
      senior: ({ draft, reviews }) =>
        seniorAgent({ ticket, draft: draft ?? null, feedback: reviews.flatMap(({ feedback }) => feedback) }),
      person: ({ draft }) => askPerson(ticket, draft),
    },
  });
  return { reply: output.reply, from: by };
}

/** `segno approve RUN reply --value '{"reply": "…"}'` sends another answer than the draft. */
async function askPerson(ticket: Ticket, draft: Reply | undefined): Promise<Answer> {
  const { approved, value, by } = await approval('reply', {
    title: `Answer "${ticket.subject}"${draft ? ' with this draft?' : ''}`,
    detail: { ticket, draft },
    timeout: '2 days',
    onExpiry: { approved: false, comment: 'nobody answered in time' },
  });
  const written = (value as Partial<Reply> | undefined)?.reply ?? draft?.reply;
  return { reply: approved && written !== undefined ? written : 'A colleague will get back to you.', from: by };
}
