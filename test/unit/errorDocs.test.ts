import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorKinds } from '../../core/errors.js';
import { errorDocs } from '../../scripts/errorDocs.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

describe('docs/errors.md', () => {
  it('says what core/errors.ts says; `npm run docs` writes it anew', async () => {
    expect(page).toBe(await errorDocs(errorKinds));
  });

  it('has a row for every type', () => {
    for (const type of Object.keys(errorKinds)) expect(page).toContain(`| \`${type}\``);
  });
});
