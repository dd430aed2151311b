/** The examples in which agents judge: planned, routed, reviewed and digested, on the offline model and with a scripted one. */
import { readFileSync } from 'node:fs';
import type { DocumentRef } from 'segno';
import { json, refusal, type TestStack, type TestStackOptions } from 'segno/testing';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import * as digestAgents from '../../../examples/filings-digest/agents.js';
import * as digestTools from '../../../examples/filings-digest/tools.js';
import type { FilingsDigest } from '../../../examples/filings-digest/workflow.js';
import * as deskAgents from '../../../examples/research-desk/agents.js';
import * as deskTools from '../../../examples/research-desk/tools.js';
import type { ResearchReport } from '../../../examples/research-desk/workflow.js';
import * as boardAgents from '../../../examples/review-board/agents.js';
import type { Review, ReviewInput } from '../../../examples/review-board/workflow.js';
import * as triageAgents from '../../../examples/support-triage/agents.js';
import { useExampleStacks } from './exampleStacks.js';

const examples = new URL('../../../examples/', import.meta.url);
const project: TestStackOptions = {
  agents: [deskAgents, triageAgents, digestAgents, boardAgents],
  tools: [deskTools, digestTools],
  workflows: ['research-desk', 'support-triage', 'filings-digest', 'review-board'].map(
    (name) => new URL(`${name}/workflow.ts`, examples).href,
  ),
};

const { offline, scripted, model, answers } = useExampleStacks(project);

async function run<Result>(stack: TestStack, workflow: string, input: unknown): Promise<Result> {
  return (await stack.client.start<Result>(workflow, input)).result();
}

describe('research-desk', () => {
  const question = 'Is a heat pump worth it in a cold climate?';
  const search = (id: string, query: string) => ({
    id,
    agent: null,
    tool: 'searchLibrary',
    input: JSON.stringify({ query }),
    after: [],
  });
  const analyze = (id: string, from: string) => ({
    id,
    agent: 'analyst',
    tool: null,
    input: `{"question": {"$ref": "input.question"}, "articles": {"$ref": "steps.${from}.articles"}}`,
    after: [],
  });

  it('answers by its standard plan when the planner writes none', async () => {
    const { answer, log } = await run<ResearchReport>(offline(), 'researchDesk', { question });
    expect(log.map(({ event, step }) => step ?? event)).toEqual([
      'refused',
      'planned',
      'search',
      'analyze',
      'check',
      'synthesized',
    ]);
    expect(answer.length).toBeGreaterThan(40);
  });

  it('runs what its planner wrote, and has it plan anew when a step fails', async () => {
    let plans = 0;
    answers.set('planner', () => {
      plans += 1;
      if (plans > 1) return json({ steps: [analyze('again', 'costs')] });
      return json({ steps: [search('costs', 'price costs'), search('climate', 'cold'), analyze('look', 'climate')] });
    });
    let looked = 0;
    answers.set('analyst', () => {
      looked += 1;
      return looked === 1
        ? refusal('Not this one.')
        : json({ findings: [{ statement: '11 cents', source: 'Prices' }] });
    });
    answers.set('writer', (request) =>
      json({
        answer: JSON.stringify(request.messages).includes('11 cents') ? 'Yes.' : 'Unknown.',
        sources: ['Prices'],
      }),
    );
    const { answer, log } = await run<ResearchReport>(scripted(), 'researchDesk', { question });
    expect(answer).toBe('Yes.');
    expect(log.map(({ event, step }) => `${event} ${step ?? ''}`.trim())).toEqual([
      'planned',
      'completed costs',
      'completed climate',
      'failed look',
      'planned',
      'completed again',
      'synthesized',
    ]);
  });
});

describe('support-triage', () => {
  const ticketOf = (name: string): { ticket: object } =>
    JSON.parse(readFileSync(new URL(`support-triage/sample/${name}.json`, examples), 'utf8')) as { ticket: object };
  const draft = json({ reply: 'We are on it.' });
  const review = (acceptable: boolean) => json({ acceptable, feedback: acceptable ? [] : ['kinder'] });

  it.each([
    ['urgent', 'rule'],
    ['analysis', 'classifier'],
    ['general', 'classifier'],
  ])('sends the sample %s its way, by a %s', async (name, by) => {
    expect(await run(offline(), 'supportTriage', ticketOf(name))).toMatchObject({ path: name, decidedBy: by });
  });

  it('sends a draft back until the reviewer accepts it', async () => {
    let reviews = 0;
    answers.set('classifier', () => json({ label: 'general', confidence: 0.9 }));
    answers.set('supportAgent', () => draft);
    answers.set('reviewer', () => review((reviews += 1) === 3));
    expect(await run(scripted(), 'supportTriage', ticketOf('general'))).toMatchObject({
      from: 'worker',
      confidence: 0.9,
    });
    expect(reviews).toBe(3);
  });

  it('goes up to the senior and at last to a person, whose words are sent', async () => {
    answers.set('supportAgent', () => draft);
    answers.set('seniorAgent', () => json({ reply: 'Better.' }));
    answers.set('reviewer', () => review(false));
    const started = await scripted().client.start<object>('supportTriage', ticketOf('urgent'));
    const waiting = await vi.waitUntil(async () => (await scripted().client.approvals({ run: started.id }))[0], 20_000);
    expect(waiting).toMatchObject({ name: 'reply', detail: { draft: { reply: 'Better.' } } });
    await scripted().client.decide(started.id, { approved: true, value: { reply: 'From a person.' }, by: 'noor' });
    expect(await started.result()).toMatchObject({ path: 'urgent', reply: 'From a person.' });
  });

  it('asks a person where the classifier is not sure', async () => {
    answers.set('classifier', () => json({ label: 'analysis', confidence: 0.3 }));
    const started = await scripted().client.start<object>('supportTriage', ticketOf('analysis'));
    await vi.waitUntil(async () => (await scripted().client.approvals({ run: started.id })).length > 0, 20_000);
    await scripted().client.decide(started.id, { approved: false, by: 'noor' });
    expect(await started.result()).toMatchObject({
      path: 'fallback',
      confidence: 0.3,
      reply: 'A colleague will get back to you.',
      from: 'noor',
    });
  });
});

describe('review-board', () => {
  const input = JSON.parse(readFileSync(new URL('review-board/input/offers.json', examples), 'utf8')) as ReviewInput;
  const read = { price: 90_000, weeks: 10, savings: 50_000, uptime: 99.5 };
  const votes = (vote: string, confidence: number) => json({ vote, confidence, reason: 'Because.' });
  const speech = (text: string, concedes = false) => json({ text, concedes });
  /** They read alike, and speak once. */
  beforeEach(() => {
    answers.set('offerReader', () => json(read));
    answers.set('advocate', () => speech('It is there in ten weeks.'));
    answers.set('sceptic', () => speech('Who trains the third shift?', true));
  });

  it('excludes offers by rules, ranks the others by their figures, and has them voted on', async () => {
    const review = await run<Review>(offline(), 'reviewBoard', input);
    expect(review.excluded).toEqual({ Cedar: ['too late'], Dogwood: ['a figure is missing'] });
    expect(review.ranking.map(({ offer }) => offer)).toEqual(['Alder', 'Birch']);
    expect(review.ranking[0]!.criteria).toMatchObject({ price: { value: 96_000 }, uptime: { value: 99.5 } });
    expect(review).toMatchObject({ offer: 'Alder', decidedBy: 'board' });
    expect(review.why).toHaveLength(3);
    expect(review.why[2]).toContain('(calibrated)');
  });

  it('lets one who is sure stand against two who guess, and goes on without a member who fails', async () => {
    answers.set('finance', () => votes('reject', 0.97));
    answers.set('operations', () => votes('accept', 0.55));
    answers.set('security', () => votes('accept', 0.55));
    expect(await run<Review>(scripted(), 'reviewBoard', input)).toMatchObject({
      verdict: 'reject',
      decidedBy: 'board',
    });
    answers.set('finance', () => refusal('I would rather not.'));
    expect(await run<Review>(scripted(), 'reviewBoard', input)).toMatchObject({
      verdict: 'accept',
      decidedBy: 'board',
    });
  });

  it('lets both sides answer each other before the board votes, and votes on one side when the other is down', async () => {
    for (const member of ['finance', 'operations', 'security']) answers.set(member, () => votes('accept', 0.9));
    answers.set('sceptic', (request) =>
      speech(JSON.stringify(request.messages).includes('ten weeks') ? 'Ten weeks is long.' : 'Who trains?'),
    );
    const review = await run<Review>(scripted(), 'reviewBoard', input);
    expect(review.said).toEqual([
      { by: 'advocate', round: 1, text: 'It is there in ten weeks.' },
      { by: 'sceptic', round: 1, text: 'Who trains?' },
      { by: 'advocate', round: 2, text: 'It is there in ten weeks.' },
      { by: 'sceptic', round: 2, text: 'Ten weeks is long.' },
    ]);
    const asked = model().requests.findLast(({ agent }) => agent === 'finance');
    expect(JSON.stringify(asked?.messages)).toContain('Ten weeks is long.');
    answers.set('sceptic', () => refusal('I would rather not.'));
    const oneSided = await run<Review>(scripted(), 'reviewBoard', input);
    expect(oneSided.said.map(({ by }) => by)).toEqual(['advocate', 'advocate']);
    expect(oneSided.verdict).toBe('accept');
  });

  it('asks the chair when the board is split', async () => {
    answers.set('finance', () => votes('accept', 0.8));
    answers.set('operations', () => votes('reject', 0.8));
    answers.set('security', () => refusal('I would rather not.'));
    const started = await scripted().client.start<Review>('reviewBoard', input);
    await vi.waitUntil(async () => (await scripted().client.approvals({ run: started.id })).length > 0, 20_000);
    await scripted().client.decide(started.id, { approved: true, value: 'negotiate', by: 'noor' });
    expect(await started.result()).toMatchObject({ offer: 'Alder', verdict: 'negotiate', decidedBy: 'chair' });
  });

  it('buys nothing when no offer is admitted, and asks nobody', async () => {
    answers.set('offerReader', () => json({ ...read, price: 1_000_000, weeks: null }));
    expect(await run<Review>(scripted(), 'reviewBoard', input)).toMatchObject({
      offer: null,
      decidedBy: 'rules',
      excluded: { Alder: ['a figure is missing', 'over the budget'] },
    });
  });
});

describe('filings-digest', () => {
  const put = (stack: TestStack, text: string, name: string, type = 'text/markdown'): Promise<DocumentRef> =>
    stack.client.putDocument(new TextEncoder().encode(text), type, { runId: 'input', name });

  it('digests what it can read, and names what it cannot', async () => {
    const [good, other, broken] = await Promise.all([
      put(
        offline(),
        '# Alder Ltd\n\nQ3 2024: revenue grew 12% to $40 million. Risk: one customer is half of it.',
        'a.md',
      ),
      put(offline(), '# Birch AG\n\nQ3 2024: revenue fell 3% to $12 million.', 'b.md'),
      put(offline(), 'no PDF', 'c.pdf', 'application/pdf'),
    ]);
    const result = await run<FilingsDigest>(offline(), 'filingsDigest', { alder: good, birch: other, cedar: broken });
    expect(result.filings).toEqual({
      read: 2,
      failed: [{ name: 'c.pdf', reason: expect.stringContaining('Document.') }],
    });
    const pdf = Buffer.from(await offline().client.getDocument(result.document));
    expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
  });

  it('has one editor for fifty notes, and combines what several wrote', async () => {
    const documents = await Promise.all(
      Array.from({ length: 60 }, (_, index) => put(scripted(), `# Company ${index}\n\nRevenue grew.`, `c${index}.md`)),
    );
    answers.set('filingAnalyst', (request) => {
      const company = /Company \d+/.exec(JSON.stringify(request.messages))?.[0];
      return json({ company, period: 'Q3', keyResult: 'Revenue grew.', risk: null });
    });
    answers.set('digestEditor', (request) => {
      const companies = JSON.stringify(request.messages).match(/Company \d+/g) ?? [];
      return json({ overview: `${companies.length} grew.` });
    });
    answers.set('digestCombiner', (request) => {
      const counts = JSON.stringify(request.messages).match(/\d+(?= grew)/g) ?? [];
      return json({ overview: `${counts.reduce((sum, count) => sum + Number(count), 0)} grew.` });
    });
    const result = await run<FilingsDigest>(
      scripted(),
      'filingsDigest',
      Object.fromEntries(documents.map((document, index) => [`c${index}`, document])),
    );
    expect(result.overview).toBe('60 grew.');
    expect(model().requests.filter(({ agent }) => agent === 'digestEditor')).toHaveLength(2);
    expect(model().requests.filter(({ agent }) => agent === 'digestCombiner')).toHaveLength(1);
  });

  it('asks for a report when there is none', async () => {
    await expect(run(offline(), 'filingsDigest', {})).rejects.toMatchObject({ type: 'Run.InvalidInput' });
  });
});
