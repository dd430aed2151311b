import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decisionFaults, requestFaults } from '../../core/approval.js';

const answer = { approval: 'publish', approved: true, by: 'Ada' };
const cyclic: Record<string, unknown> = {};
cyclic['itself'] = cyclic;

describe('what a workflow asks', () => {
  it('is taken when a person can be shown it', () => {
    const asked = { name: 'publish report', title: 'Ok?', detail: { pages: [1, null] }, choices: ['yes', 'later'] };
    expect(requestFaults(asked)).toEqual([]);
  });

  it.each([
    [{ name: '' }, 'a name has 1 to 100'],
    [{ name: 'a'.repeat(101) }, 'a name has 1 to 100'],
    [{ name: 'a/b' }, 'a name has 1 to 100'],
    [{ name: 'a\nb' }, 'a name has 1 to 100'],
    [{ name: 'a', title: 'x'.repeat(301) }, 'title: has over 300'],
    [{ name: 'a', detail: 'x'.repeat(64_000) }, 'detail: has 64002 characters'],
    [{ name: 'a', detail: 1n }, 'detail: is nothing that JSON'],
    [{ name: 'a', detail: cyclic }, 'detail: is nothing that JSON'],
    [{ name: 'a', detail: () => 1 }, 'detail: is nothing that JSON'],
    [{ name: 'a', choices: [] }, 'choices: name 1 to 50'],
    [{ name: 'a', choices: ['x', 'x'] }, 'choices: two are the same'],
    [{ name: 'a', choices: [''] }, 'choices: "" is no text'],
  ])('is refused when nobody could be shown it: %#', (asked, fault) => {
    expect(requestFaults(asked)).toEqual([expect.stringContaining(fault)]);
  });

  it('is refused with all its faults at once', () => {
    expect(requestFaults({ name: '/', title: 'x'.repeat(301), detail: 1n, choices: [] })).toHaveLength(4);
  });
});

describe('an answer', () => {
  it.each([
    [{ ...answer, by: '' }, 'by:'],
    [{ ...answer, by: undefined as unknown as string }, 'by:'],
    [{ ...answer, approved: 'yes' as unknown as boolean }, 'approved:'],
    [{ ...answer, comment: 'x'.repeat(10_001) }, 'comment:'],
    [{ ...answer, comment: 1 as unknown as string }, 'comment:'],
    [{ ...answer, value: 'x'.repeat(64_000) }, 'value: has 64002'],
  ])('is refused when it is no decision: %#', (given, fault) => {
    expect(decisionFaults({}, given)).toEqual([expect.stringContaining(fault)]);
  });

  it('to a question with choices is one of them, or a rejection', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1 }),
        fc.jsonValue(),
        fc.boolean(),
        (choices, value, approved) => {
          const taken = decisionFaults({ choices }, { ...answer, approved, value }).length === 0;
          expect(taken).toBe(choices.some((choice) => choice === value));
          expect(decisionFaults({ choices }, { ...answer, approved, value: choices[0] })).toEqual([]);
          expect(decisionFaults({ choices }, { ...answer, approved })).toHaveLength(approved ? 1 : 0);
        },
      ),
    );
  });
});
