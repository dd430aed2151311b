import { describe, expect, it } from 'vitest';
import { decideByTable, type DecisionTable } from '../../../core/decide/decisionTable.js';

const decisions = (table: DecisionTable, inputs: readonly unknown[]): unknown[] =>
  inputs.map((input) => {
    const outcome = decideByTable(table, { input });
    return 'decision' in outcome ? outcome.decision : outcome;
  });

/**
 * Tables and expected results of the DMN Technology Compatibility Kit, https://github.com/dmn-tck/tck, compliance level 2; what
 * stands in FEEL there stands in CEL here.
 */
describe('the DMN compatibility kit', () => {
  it('0111: FIRST takes the first rule that matches', () => {
    const rules = [
      { when: 'input.age > 18', decide: 'Cars' },
      { when: 'input.age > 12', decide: 'Videogames' },
      { when: 'input.age > 0', decide: 'Toys' },
    ];
    expect(decisions({ rules }, [{ age: 19 }, { age: 13 }, { age: 5 }])).toEqual(['Cars', 'Videogames', 'Toys']);
  });

  it('0112: RULE ORDER gives the outputs of all rules that match, in their order', () => {
    const rules = [
      { when: 'input.age >= 18', decide: 'Best' },
      { when: 'input.age >= 12', decide: 'Standard' },
      { when: 'input.age < 12', decide: 'Standard' },
    ];
    expect(decisions({ hit: 'all', rules }, [{ age: 19 }, { age: 13 }, { age: 10 }])).toEqual([
      ['Best', 'Standard'],
      ['Standard'],
      ['Standard'],
    ]);
  });

  it('0006: PRIORITY takes the output that stands first among the output values', () => {
    const table: DecisionTable = {
      hit: 'priority',
      priorities: ['Approved', 'Declined'],
      rules: [
        { when: 'input.age >= 18 && input.risk in ["Medium", "Low"] && input.affordable', decide: 'Approved' },
        { when: 'input.age < 18', decide: 'Declined' },
        { when: 'input.risk == "High"', decide: 'Declined' },
        { when: '!input.affordable', decide: 'Declined' },
      ],
    };
    const inputs = [
      { age: 18, risk: 'Medium', affordable: true },
      { age: 17, risk: 'Medium', affordable: true },
      { age: 18, risk: 'High', affordable: true },
    ];
    expect(decisions(table, inputs)).toEqual(['Approved', 'Declined', 'Declined']);
  });

  it('0118: PRIORITY over several outputs', () => {
    const [basic, standard, declined] = [
      { status: 'Approved', rate: 'Basic' },
      { status: 'Approved', rate: 'Standard' },
      { status: 'Declined', rate: 'Standard' },
    ];
    const table: DecisionTable = {
      hit: 'priority',
      priorities: [basic, standard, declined],
      rules: [
        { when: 'input.age >= 18 && input.risk in ["Medium", "Low"] && input.affordable', decide: basic },
        { when: 'input.age < 18', decide: declined },
        { when: 'input.risk == "High"', decide: standard },
      ],
    };
    const inputs = [
      { age: 17, risk: 'High', affordable: true },
      { age: 19, risk: 'Low', affordable: true },
      { age: 10, risk: 'Low', affordable: true },
    ];
    expect(decisions(table, inputs)).toEqual([standard, basic, declined]);
  });
});

describe('a decision table', () => {
  const rules = [
    { when: 'input.amount > 1000', decide: 'refer', name: 'large' },
    { when: 'input.amount > 500', decide: 'check' },
  ];

  it('says which rules matched, and which one decided', () => {
    const table: DecisionTable = { hit: 'priority', priorities: ['check', 'refer'], rules };
    expect(decideByTable(table, { input: { amount: 2_000 } })).toEqual({
      decision: 'check',
      explanation: {
        method: 'table',
        hit: 'priority',
        matched: [
          { rule: 0, ...rules[0] },
          { rule: 1, ...rules[1] },
        ],
        decidedBy: 1,
        text: 'check: rules[1], first in priority of 2 that match: input.amount > 500',
      },
    });
  });

  it('takes the first rule of equal outputs', () => {
    const same = rules.map((rule) => ({ ...rule, decide: 'check' }));
    const outcome = decideByTable(
      { hit: 'priority', priorities: ['check'], rules: same },
      { input: { amount: 2_000 } },
    );
    expect(outcome).toMatchObject({ decision: 'check', explanation: { decidedBy: 0 } });
  });

  it('decides otherwise, or null, when no rule matches; of all, the empty list', () => {
    expect(decisions({ rules, otherwise: 'accept' }, [{ amount: 1 }])).toEqual(['accept']);
    expect(decisions({ rules }, [{ amount: 1 }])).toEqual([null]);
    expect(decisions({ hit: 'all', rules }, [{ amount: 1 }])).toEqual([[]]);
  });

  it('decides nothing with unique when two rules match', () => {
    expect(decisions({ hit: 'unique', rules }, [{ amount: 700 }, { amount: 1_001 }])).toEqual([
      'check',
      { impossible: 'rules[0] (large) and rules[1] match, and hit is unique: only one may' },
    ]);
  });

  it('decides nothing when a rule it asks cannot be evaluated, though the next one matches', () => {
    const [outcome] = decisions(
      {
        rules: [
          { when: 'input.vip', decide: 1 },
          { when: 'true', decide: 2 },
        ],
      },
      [{}],
    );
    expect(outcome).toEqual({ impossible: expect.stringMatching(/^rules\[0\] \(input\.vip\): .*vip/) });
    expect(
      decisions(
        {
          rules: [
            { when: 'true', decide: 2 },
            { when: 'input.vip', decide: 1 },
          ],
        },
        [{}],
      ),
    ).toEqual([2]);
  });

  it('is compiled anew when its rules have changed in place', () => {
    const changing = [{ when: 'input > 1', decide: 'old' }];
    expect(decisions({ rules: changing, otherwise: 'none' }, [1])).toEqual(['none']);
    changing[0] = { when: 'input > 0', decide: 'new' };
    expect(decisions({ rules: changing, otherwise: 'none' }, [1])).toEqual(['new']);
  });

  it('is refused with all that is wrong with it', () => {
    expect(decideByTable({ hit: 'priority', rules, priorities: ['check'] }, { input: {} })).toEqual({
      invalid: ['rules[0].decide: refer is not in priorities'],
    });
    expect(decideByTable({ hit: 'all', rules, priorities: [], otherwise: 1 as never }, { input: {} })).toEqual({
      invalid: ['priorities: only with hit: priority', 'otherwise: not with hit: all, which gives an empty list then'],
    });
    expect(decideByTable({ rules: [] }, {})).toEqual({ invalid: ['rules: there are 0, of 1 to 200'] });
    expect(decideByTable({ rules: [{ when: 'x ==', decide: 1 }] }, { input: 1 })).toEqual({
      invalid: [expect.stringMatching(/^rules\[0\]: /)],
    });
  });
});
