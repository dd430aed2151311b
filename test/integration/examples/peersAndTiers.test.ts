/** The examples in which agents work in tiers, on the offline model and with a scripted one. */
import { readFileSync } from 'node:fs';
import { json, refusal, type ScriptFunction, type TestStackOptions } from 'segno/testing';
import { describe, expect, it, vi } from 'vitest';
import * as agents from '../../../examples/incident-response/agents.js';
import * as tools from '../../../examples/incident-response/tools.js';
import type { Incident, IncidentInput } from '../../../examples/incident-response/workflow.js';
import { useExampleStacks } from './exampleStacks.js';

const folder = new URL('../../../examples/incident-response/', import.meta.url);
const input = JSON.parse(readFileSync(new URL('input/alarm.json', folder), 'utf8')) as IncidentInput;
const project: TestStackOptions = {
  agents: [agents],
  tools: [tools],
  workflows: new URL('workflow.ts', folder).href,
};

const { offline, scripted, model, answers } = useExampleStacks(project);

type Turn = 'task' | 'reports' | 'asked';
type Request = Parameters<ScriptFunction>[0];

/** What a post is called for: a task, reports on its orders, or a measure from below. */
function turnOf({ messages }: Request): Turn {
  const text = JSON.stringify(messages).replaceAll('\\"', '"');
  if (!/"asked":\s*null/.test(text)) return 'asked';
  return /"reports":\s*\[\]/.test(text) ? 'task' : 'reports';
}

const reply = (report: string, orders: string[] = [], decision: agents.Measure | null = null) =>
  json({ report, orders: orders.map((to) => ({ to, task: `Go, ${to}.` })), decision });

/** Orders go down to the database, whose keeper proposes the measure; whoever is asked says yes to it. */
function proposing(measure: agents.Measure): void {
  const leads = (report: string, orders: string[]): ScriptFunction => {
    return (request) => {
      const turn = turnOf(request);
      if (turn === 'asked') return reply('Yes.', [], measure);
      return turn === 'task' ? reply('Ordered.', orders) : reply(report);
    };
  };
  answers.set('commander', leads('Checkout is back.', ['operations', 'communications']));
  answers.set('operator', leads('Looked after.', ['database']));
  answers.set('databaseKeeper', () => reply('Found it.', [], measure));
  answers.set('spokesperson', () => reply('Customers know.'));
}

const respond = () => scripted().client.start<Incident>('incidentResponse', input);
const kill = { action: 'Kill the stuck query', cost: 0, risk: 'low' } as const;
const grow = { action: 'Add a replica', cost: 150, risk: 'low' } as const;
const restore = { action: 'Restore the backup', cost: 3_000, risk: 'high' } as const;
const move = { action: 'Move to the other region', cost: 20_000, risk: 'high' } as const;

describe('incident-response', () => {
  it('comes to an end on the offline model, with the measure that the alarm names', async () => {
    const incident = await (await offline().client.start<Incident>('incidentResponse', input)).result();
    expect(incident.decisions).toMatchObject([
      { decision: { cost: 40, risk: 'low' }, proposedBy: 'top', decidedBy: 'top', refused: false },
    ]);
  });

  it.each([
    { measure: kill, decidedBy: 'top/operations/database', escalations: 0 },
    { measure: grow, decidedBy: 'top/operations', escalations: 1 },
    { measure: restore, decidedBy: 'top', escalations: 2 },
  ])('has "$measure.action" decided by $decidedBy', async ({ measure, decidedBy, escalations }) => {
    proposing(measure);
    const incident = await (await respond()).result();
    const proposedBy = 'top/operations/database';
    expect(incident.decisions).toMatchObject([{ decision: measure, proposedBy, decidedBy, refused: false }]);
    expect(incident).toMatchObject({ escalations, report: expect.stringContaining('Checkout is back.') });
    const { note } = incident.decisions[0]!.output as Awaited<ReturnType<typeof tools.carryOut.execute>>;
    expect(Buffer.from(await scripted().client.getDocument(note)).toString()).toBe(
      `Done: ${measure.action} ($${measure.cost}, risk ${measure.risk}). Proposed by ${proposedBy}, decided by ${decidedBy}.\n`,
    );
  });

  it.each([{ approved: true }, { approved: false }])(
    'asks a person for what is beyond the commander: approved $approved',
    async ({ approved }) => {
      proposing(move);
      const run = await respond();
      const waiting = await vi.waitUntil(async () => (await scripted().client.approvals({ run: run.id }))[0], 20_000);
      expect(waiting).toMatchObject({
        name: 'measure',
        detail: { decision: move, why: expect.stringContaining('5000') },
      });
      await scripted().client.decide(run.id, { approved, by: 'noor' });
      const { decisions, escalations } = await run.result();
      expect(decisions).toMatchObject([{ decision: move, decidedBy: 'person', refused: !approved }]);
      expect('output' in decisions[0]!).toBe(approved);
      expect(escalations).toBe(3);
    },
  );

  it('does nothing when the commander says no, and asks no person', async () => {
    proposing(restore);
    const yes = answers.get('commander')!;
    answers.set('commander', (request) => (turnOf(request) === 'asked' ? reply('No.') : yes(request)));
    const { decisions } = await (await respond()).result();
    expect(decisions).toEqual([
      { decision: restore, proposedBy: 'top/operations/database', decidedBy: 'top', refused: true },
    ]);
  });

  it('goes on without a post that fails, and without an order to nobody', async () => {
    proposing(kill);
    answers.set('spokesperson', () => refusal('I would rather not.'));
    answers.set('operator', (request) => (turnOf(request) === 'task' ? reply('Off.', ['network']) : reply('Done.')));
    const { decisions } = await (await respond()).result();
    expect(decisions).toEqual([]);
    const told = JSON.stringify(model().requests.at(-1)?.messages);
    expect(told).toContain('failed: ');
    expect(told).toContain('Off.');
  });
});
