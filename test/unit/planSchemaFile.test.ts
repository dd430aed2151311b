import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { planSchemaFile } from '../../scripts/planSchemaFile.js';

const text = readFileSync(new URL('../../schemas/plan.v1.json', import.meta.url), 'utf8');
const accepts = new Ajv2020({ strict: false }).compile(JSON.parse(text) as object);

describe('schemas/plan.v1.json', () => {
  it('says what core/plan/planSchema.ts says; `npm run docs` writes it anew', async () => {
    expect(text).toBe(await planSchemaFile());
  });

  it('accepts a plan with actions in actions, and refuses a key nobody knows', () => {
    const map = { over: { $ref: 'input' }, do: { sequence: [{ agent: 'writer', input: { $ref: 'item' } }] } };
    const plan = { version: 1, name: 'test', steps: [{ id: 'a', map, timeout: '2m' }] };
    expect(accepts(plan)).toBe(true);
    expect(accepts({ ...plan, steps: [{ id: 'a', map: { ...map, filter: 'x' } }] })).toBe(false);
    expect(accepts({ ...plan, version: 2 })).toBe(false);
    expect(accepts({ $schema: './node_modules/segno/schemas/plan.v1.json', ...plan })).toBe(true);
  });
});
