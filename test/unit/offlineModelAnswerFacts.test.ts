import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answer } from '../../workers/offlineModel/answer/index.js';
import { indianResults, lossInThousands, nineMonths, priorFirst, techCorp } from './offlineModelAnswerFixtures.js';

const page = z.number().int().positive().nullable();
const figure = z.object({
  current: z.number().nullable(),
  prior: z.number().nullable(),
  growthPercent: z.number().nullable(),
  pages: z.object({ current: page, prior: page, growthPercent: page }),
});
const facts = z.object({
  company: z.string().nullable(),
  period: z.string().nullable(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .nullable(),
  unit: z.enum(['one', 'thousand', 'million', 'billion', 'lakh', 'crore']).nullable(),
  revenue: figure,
  netIncome: figure,
  operatingExpenses: figure,
  metrics: z
    .array(
      z.object({
        name: z.string(),
        value: z.number().nullable(),
        unit: z.string().nullable(),
        growthPercent: z.number().nullable(),
        page,
      }),
    )
    .max(12),
  highlights: z.array(z.object({ text: z.string(), page })).max(10),
});

function extract(text: string): z.infer<typeof facts> {
  const schema = z.toJSONSchema(facts) as { [keyword: string]: unknown };
  const result = answer({
    messages: [
      { role: 'system', content: 'Extract the facts of the quarterly report. What it does not state is null.' },
      { role: 'user', content: JSON.stringify({ text }) },
    ],
    tools: [],
    toolChoice: 'none',
    schema,
  });
  if (result.kind !== 'text') throw new Error('a text answer was expected');
  const value: unknown = JSON.parse(result.text);
  const validate = new Ajv2020({ strict: false }).compile(schema);
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
  return facts.parse(value);
}

describe('facts of a quarterly report', () => {
  it('takes the three-month columns, not the nine-month ones, and the total, not product or service', () => {
    expect(extract(nineMonths)).toMatchObject({
      company: 'Northwind Devices, Inc.',
      period: 'Quarter ended June 29, 2024',
      currency: 'USD',
      unit: 'million',
      revenue: {
        current: 85_777,
        prior: 81_797,
        growthPercent: 4.9,
        pages: { current: 3, prior: 3, growthPercent: null },
      },
      netIncome: { current: 21_448, prior: 19_881, pages: { current: 3, prior: 3 } },
      operatingExpenses: { current: 14_326, prior: 13_415 },
    });
  });

  it('reads the years of the header when the prior year comes first, and does not take cost of sales for sales', () => {
    expect(extract(priorFirst)).toMatchObject({
      company: 'RIVERBANK.COM, INC.',
      unit: 'million',
      revenue: { current: 143_313, prior: 127_358 },
      netIncome: { current: 10_431, prior: -3_172, growthPercent: null },
      operatingExpenses: { current: 128_006, prior: 122_584 },
    });
  });

  it('reads losses in parentheses, thousands, weeks, change columns and noncontrolling interests', () => {
    expect(extract(lossInThousands)).toMatchObject({
      company: 'Larkspur Retail Corp',
      currency: 'USD',
      unit: 'thousand',
      revenue: { current: 412_905, prior: 398_110, growthPercent: 3.7 },
      netIncome: { current: -12_450, prior: 8_120 },
      operatingExpenses: { current: 151_200, prior: 140_020 },
    });
  });

  it('takes the third column as the prior year where the second is the preceding quarter', () => {
    expect(extract(indianResults)).toMatchObject({
      company: 'Sahyadri Software Limited',
      currency: 'INR',
      unit: 'crore',
      revenue: { current: 64_259, prior: 59_692, pages: { current: 2 } },
      netIncome: { current: 11_955, prior: 11_380 },
      operatingExpenses: { current: 48_793, prior: 45_210 },
    });
  });

  it('reads prose and leaves the prior amounts empty that it does not state', () => {
    const result = extract(techCorp);
    expect(result).toMatchObject({
      company: 'TechCorp India',
      period: 'Q3 2024',
      currency: 'INR',
      unit: 'crore',
      revenue: { current: 5_200, prior: null, growthPercent: 22, pages: { current: 1, prior: null, growthPercent: 1 } },
      netIncome: { current: 820, prior: null, growthPercent: 15 },
      operatingExpenses: { current: null, prior: null, growthPercent: 18 },
    });
    expect(result.metrics).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'New enterprise clients', value: 45 }),
        expect.objectContaining({ name: 'Cloud revenue', value: 1_800, growthPercent: 38 }),
      ]),
    );
  });

  it('says null of everything when the text is no report', () => {
    const result = extract('[page 1]\nThe cat sat on the mat. It was a sunny day in the garden.');
    const none = { current: null, prior: null, growthPercent: null };
    expect(result).toMatchObject({ company: null, currency: null, unit: null, revenue: none, netIncome: none });
  });
});
