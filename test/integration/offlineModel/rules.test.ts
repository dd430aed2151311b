import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OfflineModel } from '../../../workers/offlineModel/serveModel.js';
import { startOfflineModel } from '../../../workers/offlineModel/server.js';
import { aiSdkClient, openaiClient } from './clients.js';

const prompt = `Name the risks in this report.

TechCorp India, Q3 2024. Revenue rose by 22 % to ₹5,200 crore. Net profit was ₹820 crore, up 15 %.
Supply chain disruption remains a risk. The currency cost 3 % of dollar revenue. Competition in SaaS grows.`;

const risks = {
  type: 'object',
  properties: {
    company: { type: ['string', 'null'] },
    severity: { type: 'string', enum: ['low', 'medium', 'high'] },
    risks: { type: 'array', items: { type: 'string' } },
  },
  required: ['company', 'severity', 'risks'],
  additionalProperties: false,
};
const search = {
  type: 'object',
  properties: { query: { type: 'string' } },
  required: ['query'],
  additionalProperties: false,
};

let model: OfflineModel;
beforeAll(async () => {
  model = await startOfflineModel();
});
afterAll(() => model.close());

describe.each([
  ['openai', openaiClient],
  ['ai-sdk', aiSdkClient],
])('the offline model, asked by the %s client', (_, connect) => {
  const ask: ReturnType<typeof connect>['ask'] = (asked) => connect(model.url).ask(asked);

  it('says in a stream what it says in one piece, at the same price', async () => {
    const whole = await ask({ prompt });
    const streamed = await ask({ prompt, stream: true });
    expect(whole.text).not.toBe('');
    expect(streamed.pieces.join('')).toBe(whole.text);
    expect(streamed.usage).toEqual(whole.usage);
    expect(streamed.finishReason).toBe('stop');
  });

  it.each([false, true])('answers with JSON that matches the schema (stream: %s)', async (stream) => {
    const { text } = await ask({ prompt, schema: risks, stream });
    const validate = new Ajv2020().compile(risks);
    expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
  });

  it.each([false, true])('calls a tool the prompt asks for with arguments that match (stream: %s)', async (stream) => {
    const asked = 'Use the search tool to look up the query "TechCorp annual report".';
    const { calls, finishReason } = await ask({ prompt: asked, tools: { search }, stream });
    expect(finishReason).toBe('tool-calls');
    expect(calls).toHaveLength(1);
    expect(calls[0]!.name).toBe('search');
    expect(new Ajv2020().validate(search, calls[0]!.arguments)).toBe(true);
  });

  it('gives the same answer again', async () => {
    const first = await ask({ prompt, schema: risks });
    expect((await ask({ prompt, schema: risks })).text).toBe(first.text);
  });
});
