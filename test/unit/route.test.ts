import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseByLabel, chooseByRule, compileRoutes, mostRules } from '../../core/route.js';

const compile = (...rules: [when: string, to: string][]) =>
  compileRoutes({
    rules: rules.map(([when, to]) => ({ when, to })),
    routes: rules.map(([, to]) => to),
    minConfidence: 0.5,
  }).rules;

describe('rules', () => {
  it('are asked in their order, and the first that is true decides', () => {
    const rules = compile(['input.n > 10', 'big'], ['input.n > 5', 'middle'], ['input.n >= 0', 'small']);
    fc.assert(
      fc.property(fc.integer({ min: -20, max: 20 }), (n) => {
        const expected = n > 10 ? 'big' : n > 5 ? 'middle' : n >= 0 ? 'small' : undefined;
        const choice = chooseByRule(rules, { input: { n } });
        expect(choice && 'route' in choice ? choice.route : undefined).toBe(expected);
      }),
    );
  });

  it('that cannot be evaluated leave the input unclear, but not when one before them has decided', () => {
    const rules = compile(['input.a == 1', 'first'], ['input.b == 1', 'second'], ['true', 'third']);
    expect(chooseByRule(rules, { input: { a: 1 } })).toMatchObject({ route: 'first' });
    expect(chooseByRule(rules, { input: { a: 2 } })).toMatchObject({
      unclear: expect.stringContaining('input.b == 1') as string,
    });
    expect(chooseByRule(rules, { input: null })).toHaveProperty('unclear');
  });

  it('may ask whether a field is there', () => {
    const rules = compile(['has(input.plan) && input.plan == "gold"', 'gold'], ['true', 'other']);
    expect(chooseByRule(rules, { input: {} })).toMatchObject({ route: 'other' });
    expect(chooseByRule(rules, { input: { plan: 'gold' } })).toMatchObject({ route: 'gold' });
  });

  it('are refused with every fault and its place', () => {
    const { faults } = compileRoutes({
      rules: [
        { when: 'input.a == 1', to: 'b' },
        { when: 'input.a ==', to: 'nowhere' },
        { when: '"yes"', to: 'b' },
      ],
      routes: ['b', '', 'classify'],
      minConfidence: Number.NaN,
    });
    expect(faults).toEqual([
      '"" is no name for a route',
      '"classify" is no name for a route',
      'minConfidence: NaN is not between 0 and 1',
      'rules[1]: nowhere is no route; there are: b, , classify',
      expect.stringMatching(/^rules\[1\]: /),
      expect.stringMatching(/^rules\[2\]: it gives string/),
    ]);
    const many = compile(...Array.from({ length: mostRules + 1 }, (): [string, string] => ['true', 'a']));
    expect(many).toHaveLength(mostRules);
    expect(compileRoutes({ rules: [], routes: [], minConfidence: 0 }).faults).toEqual(['there is no route']);
  });
});

describe('a label', () => {
  it('decides when it is a route and confidence is no less than it must be', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (least, confidence) => {
          const choice = chooseByLabel(['a', 'b'], { label: 'b', confidence }, least);
          expect('route' in choice).toBe(confidence >= least);
          expect(chooseByLabel(['a', 'b'], { label: 'c', confidence }, least)).toHaveProperty('unclear');
        },
      ),
    );
  });

  it.each([Number.NaN, undefined, null, 'high'])('of the confidence %s decides nothing', (confidence) => {
    const said = { label: 'a', confidence: confidence as number };
    expect(chooseByLabel(['a'], said, 0.1)).toHaveProperty('unclear');
  });
});
