/** The examples in which agents work as peers or in tiers, on the offline model and with a scripted one. */
import { readFileSync } from 'node:fs';
import { json, refusal, type ScriptFunction, type TestStack, type TestStackOptions } from 'segno/testing';
import { describe, expect, it, vi } from 'vitest';
import * as agents from '../../../examples/incident-response/agents.js';
import * as tools from '../../../examples/incident-response/tools.js';
import type { Incident, IncidentInput } from '../../../examples/incident-response/workflow.js';
import * as newsAgents from '../../../examples/newsroom/agents.js';
import type { NewsroomInput, Story } from '../../../examples/newsroom/workflow.js';
import { useExampleStacks } from './exampleStacks.js';

const examples = new URL('../../../examples/', import.meta.url);
const inputOf = (path: string): unknown => JSON.parse(readFileSync(new URL(path, examples), 'utf8'));
const input = inputOf('incident-response/input/alarm.json') as IncidentInput;
const project: TestStackOptions = {
  agents: [agents, newsAgents],
  tools: [tools],
  workflows: ['incident-response', 'newsroom'].map((name) => new URL(`${name}/workflow.ts`, examples).href),
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

describe('newsroom', () => {
  const material = inputOf('newsroom/input/bridge.json') as NewsroomInput;
  const report = async (stack: TestStack) => (await stack.client.start<Story>('newsroom', material)).result();

  const kept = json({ handTo: null, text: 'Ask the council.', angle: 'The bridge opens late.' });
  const handedTo = (handTo: string) => json({ handTo, text: `One for ${handTo}.`, angle: '' });
  const says = (text: string, to: string[], done: boolean) => ({
    ...{ messages: to.map((name) => ({ to: name, text })), waitsFor: [] as string[], done },
  });
  const draft = (metres: number) =>
    json({
      ...says(`${metres} metres`, ['checker', 'editor'], true),
      ...{ headline: 'Bridge in May', article: `It is ${metres} metres long.` },
    });
  const checked = (disputed: string[]) =>
    json({ ...says('640', disputed.length > 0 ? ['reporter'] : [], disputed.length === 0), disputed });
  const release = (yes: boolean) => json({ ...says('', [], yes), release: yes });
  /** Whether this text stands in the mail of who is asked. */
  const got = ({ messages }: Request, text: string): boolean =>
    new RegExp(`"text":\\s*"${text}"`).test(JSON.stringify(messages).replaceAll('\\"', '"'));

  /** Everybody does what it should: the first draft has a wrong figure, the second the right one. */
  function atWork(): void {
    answers.set('cityDesk', () => handedTo('business'));
    answers.set('businessDesk', () => kept);
    answers.set('newsReporter', (request) => draft(got(request, '640') ? 640 : 460));
    answers.set('figureChecker', (request) => checked(got(request, '640 metres') ? [] : ['460 metres']));
    answers.set('newsEditor', (request) => release(got(request, '640 metres')));
  }

  it('has an article on the offline model, and says what is open about it', async () => {
    const story = await report(offline());
    expect(story).toMatchObject({ desk: 'city', released: false });
    expect(story.article).not.toBe('');
    expect(story.open).toContain('nobody has checked it');
  });

  it('is refused without material, before anybody is asked', async () => {
    const run = await offline().client.start<Story>('newsroom', {});
    await expect(run.result()).rejects.toMatchObject({ type: 'Run.InvalidInput' });
  });

  it('hands the story to its desk, mends what the checker disputes, and releases it', async () => {
    atWork();
    expect(await report(scripted())).toMatchObject({
      ...{ desk: 'business', angle: 'The bridge opens late.', headline: 'Bridge in May' },
      ...{ article: 'It is 640 metres long.', released: true, open: [], messages: 5 },
    });
  });

  it('writes a story that no desk takes', async () => {
    atWork();
    answers.set('businessDesk', () => handedTo('city'));
    expect(await report(scripted())).toMatchObject({ desk: null, angle: '', released: true });
  });

  it('keeps back what nobody checked', async () => {
    atWork();
    answers.set('figureChecker', () => refusal('I would rather not.'));
    const { released: printed, open, article } = await report(scripted());
    expect({ printed, article }).toEqual({ printed: false, article: 'It is 460 metres long.' });
    expect(open).toContainEqual(expect.stringContaining('checker failed: '));
  });

  it('ends when two wait for each other, and names them', async () => {
    atWork();
    answers.set('newsReporter', () =>
      json({ ...says('', [], false), waitsFor: ['editor'], headline: 'Bridge', article: 'Soon.' }),
    );
    answers.set('newsEditor', () => json({ ...says('', [], false), waitsFor: ['reporter'], release: false }));
    const { open, article } = await report(scripted());
    expect(article).toBe('Soon.');
    expect(open[0]).toMatch(/^it ended by deadlock of (reporter and editor|editor and reporter)$/);
  });

  it('ends when they never agree, with what is disputed', async () => {
    atWork();
    answers.set('newsReporter', () => draft(460));
    const { open, released: printed } = await report(scripted());
    expect(printed).toBe(false);
    expect(open[0]).toMatch(/^it ended by (pingPong|rounds)$/);
    expect(open).toContain('460 metres');
  });
});
