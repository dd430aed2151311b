import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alternatives, Criteria } from '../../../core/decide/criteria.js';
import { topsis } from '../../../core/decide/topsis.js';
import { type SumScale, weightedSum } from '../../../core/decide/weightedSum.js';

const methods = {
  topsis: (criteria: Criteria, alternatives: Alternatives) => topsis({ criteria, alternatives }),
  ...Object.fromEntries(
    (['range', 'max', 'none'] as const).map((scale: SumScale) => [
      `weightedSum, ${scale}`,
      (criteria: Criteria, alternatives: Alternatives) => weightedSum({ criteria, alternatives, scale }),
    ]),
  ),
};
type Method = (typeof methods)['topsis'];

function scoresOf(outcome: ReturnType<Method> | ReturnType<typeof weightedSum>): Record<string, number> {
  if (!('decision' in outcome)) throw new Error(JSON.stringify(outcome));
  return Object.fromEntries(outcome.explanation.ranking.map(({ name, score }) => [name, score]));
}

function rounded(scores: Record<string, number>, digits: number): Record<string, number> {
  return Object.fromEntries(Object.entries(scores).map(([name, score]) => [name, Number(score.toFixed(digits))]));
}

describe('published examples', () => {
  /** Of the R package MCDA (tests/TOPSIS.R), after http://hodgett.co.uk/topsis-in-excel/ */
  it('TOPSIS: the cars of the R package MCDA, whose ideal and anti-ideal have these nine digits', () => {
    const car = (...[price, economy, aesthetics, boot]: number[]) => ({ price, economy, aesthetics, boot });
    const outcome = topsis({
      criteria: {
        price: { weight: 0.35, goal: 'min' },
        economy: { weight: 0.25 },
        aesthetics: { weight: 0.25 },
        boot: { weight: 0.15 },
      },
      alternatives: {
        corsa: car(5_490, 51.4, 8.5, 285),
        clio: car(6_500, 70.6, 7, 288),
        fiesta: car(6_489, 54.3, 7.5, 290),
      },
    });
    if (!('decision' in outcome)) throw new Error(JSON.stringify(outcome));
    const axis = (name: string): number[] =>
      outcome.explanation.ranking.map(({ criteria }) => criteria[name]!.weighted).sort((one, other) => one - other);
    const ends = ['price', 'economy', 'aesthetics', 'boot'].map((name) => {
      const [least = 0, , most = 0] = axis(name);
      return (name === 'price' ? [least, most] : [most, least]).map((value) => value.toFixed(9));
    });
    expect(ends).toEqual([
      ['0.179573776', '0.212610118'],
      ['0.171636015', '0.124958799'],
      ['0.159499658', '0.131352659'],
      ['0.087302767', '0.085797547'],
    ]);
    expect(rounded(scoresOf(outcome), 6)).toEqual({ clio: 0.518208, corsa: 0.481685, fiesta: 0.177955 });
  });

  /** The book rounds on the way: it has 0.613 for A3. */
  it('TOPSIS: the fighter aircraft of Hwang & Yoon (1981), to a thousandth', () => {
    const criteria: Criteria = {
      speed: { weight: 0.2 },
      range: { weight: 0.1 },
      payload: { weight: 0.1 },
      cost: { weight: 0.1, goal: 'min' },
      reliability: { weight: 0.2 },
      maneuverability: { weight: 0.3 },
    };
    const aircraft = (...[speed, range, payload, cost, reliability, maneuverability]: number[]) => ({
      ...{ speed, range, payload, cost, reliability, maneuverability },
    });
    const outcome = topsis({
      criteria,
      alternatives: {
        A1: aircraft(2.0, 1_500, 20_000, 5.5, 5, 9),
        A2: aircraft(2.5, 2_700, 18_000, 6.5, 3, 5),
        A3: aircraft(1.8, 2_000, 21_000, 4.5, 7, 7),
        A4: aircraft(2.2, 1_800, 20_000, 5.0, 5, 5),
      },
    });
    expect(outcome).toMatchObject({
      decision: 'A1',
      explanation: { text: 'A1: 0.643, before A3 with 0.614', tied: [] },
    });
    const published: Record<string, number> = { A1: 0.643, A2: 0.268, A3: 0.613, A4: 0.312 };
    for (const [name, score] of Object.entries(scoresOf(outcome)))
      expect(Math.abs(score - published[name]!)).toBeLessThan(0.001);
  });

  it('weighted sum: the example of Triantaphyllou (2000), where the second and the third are equal', () => {
    const criteria: Criteria = { C1: { weight: 0.2 }, C2: { weight: 0.15 }, C3: { weight: 0.4 }, C4: { weight: 0.25 } };
    const outcome = weightedSum({
      criteria,
      scale: 'none',
      alternatives: {
        A1: { C1: 25, C2: 20, C3: 15, C4: 30 },
        A2: { C1: 10, C2: 30, C3: 20, C4: 30 },
        A3: { C1: 30, C2: 10, C3: 30, C4: 10 },
      },
    });
    expect(rounded(scoresOf(outcome), 2)).toEqual({ A1: 21.5, A2: 22, A3: 22 });
    expect(outcome).toMatchObject({
      decision: 'A2',
      explanation: {
        tied: ['A2', 'A3'],
        text: 'A2: 22, before A3 with 22; equal: A2, A3, of which the first given stands',
      },
    });
  });
});

const names = ['a', 'b', 'c', 'd'] as const;
const criterionNames = ['x', 'y', 'z'] as const;
const number = fc.integer({ min: 1, max: 1_000 });
const problems = fc.record({
  criteria: fc.record(
    Object.fromEntries(
      criterionNames.map((name) => [
        name,
        fc.record({ weight: fc.integer({ min: 1, max: 9 }), goal: fc.constantFrom('max' as const, 'min' as const) }),
      ]),
    ),
  ),
  alternatives: fc.record(
    Object.fromEntries(names.map((name) => [name, fc.record({ x: number, y: number, z: number })])),
  ),
});

function close(one: Record<string, number>, other: Record<string, number>): void {
  for (const [alternative, score] of Object.entries(one)) expect(other[alternative]).toBeCloseTo(score, 6);
}

describe.each(['topsis', 'weightedSum, range', 'weightedSum, max'])('%s', (name) => {
  const method = (methods as Record<string, Method>)[name]!;

  it('does not depend on the units of a criterion', () => {
    fc.assert(
      fc.property(problems, fc.constantFrom(0.001, 0.3, 7, 1_000), ({ criteria, alternatives }, factor) => {
        const other = Object.fromEntries(
          Object.entries(alternatives).map(([key, values]) => [key, { ...values, x: values.x * factor }]),
        );
        close(scoresOf(method(criteria, alternatives)), scoresOf(method(criteria, other)));
      }),
    );
  });
});

describe.each(Object.entries(methods))('%s', (_, method) => {
  it('does not depend on the sum of the weights, nor on the order of alternatives and criteria', () => {
    fc.assert(
      fc.property(problems, ({ criteria, alternatives }) => {
        const scores = scoresOf(method(criteria, alternatives));
        const heavier = Object.fromEntries(
          Object.entries(criteria).map(([key, { weight, goal }]) => [key, { weight: weight * 10, goal }]),
        );
        close(scores, scoresOf(method(heavier, alternatives)));
        const reversed = <Value>(record: Record<string, Value>): Record<string, Value> =>
          Object.fromEntries(Object.entries(record).reverse());
        close(scores, scoresOf(method(reversed(criteria), reversed(alternatives))));
      }),
    );
  });

  it('never puts an alternative before one that is better in one criterion and worse in none', () => {
    fc.assert(
      fc.property(problems, fc.constantFrom(...criterionNames), ({ criteria, alternatives }, better) => {
        const step = criteria[better]!.goal === 'max' ? 1.5 : 0.5;
        const dominating = { ...alternatives['a']!, [better]: alternatives['a']![better] * step };
        const scores = scoresOf(method(criteria, { ...alternatives, best: dominating }));
        expect(scores['best']).toBeGreaterThan(scores['a']!);
      }),
    );
  });

  it('decides for the first of equal alternatives, and names them all', () => {
    const criteria: Criteria = { x: { weight: 2 }, y: { weight: 1, goal: 'min' } };
    const [same, worse] = [
      { x: 0.1 + 0.2, y: 3 },
      { x: 0.1, y: 4 },
    ];
    const outcome = method(criteria, { worse, first: same, second: { ...same, x: 0.3 } });
    expect(outcome).toMatchObject({ decision: 'first', explanation: { tied: ['first', 'second'] } });
    expect(method(criteria, { only: same })).toMatchObject({ decision: 'only', explanation: { tied: [] } });
  });

  it('says what each criterion has added', () => {
    const outcome = method({ x: { weight: 3 }, y: { weight: 1 } }, { a: { x: 2, y: 4 }, b: { x: 1, y: 2 } });
    if (!('decision' in outcome)) throw new Error('no decision');
    const { weights, ranking } = outcome.explanation;
    expect(weights).toEqual({ x: 0.75, y: 0.25 });
    for (const { criteria } of ranking) {
      for (const [key, { scaled, weighted }] of Object.entries(criteria))
        expect(weighted).toBeCloseTo(scaled * weights[key]!, 12);
    }
    expect(ranking[0]!.criteria).toMatchObject({ x: { value: 2 }, y: { value: 4 } });
  });

  it('says which value is missing or no number, and what is wrong with the criteria', () => {
    const criteria: Criteria = { x: { weight: 1 } };
    expect(method(criteria, { a: { x: 1 }, b: {}, c: { x: '3' }, d: null as never })).toEqual({
      impossible: 'alternatives.b.x: is missing; alternatives.c.x: 3 is no number; alternatives.d.x: is missing',
    });
    expect(method(criteria, {})).toEqual({ impossible: 'alternatives: there are 0, of 1 to 1000' });
    expect(method({ x: { weight: -1 }, y: { weight: 1, goal: 'most' as never } }, {})).toEqual({
      invalid: ['criteria.x.weight: -1 is no number from 0', 'criteria.y.goal: most is neither max nor min'],
    });
    expect(method({ x: { weight: 0 } }, {})).toEqual({ invalid: ['criteria: no weight is over 0'] });
  });
});

describe('scales', () => {
  it('max: needs values over 0', () => {
    const alternatives = { a: { x: 0 }, b: { x: 1 } };
    expect(weightedSum({ criteria: { x: { weight: 1 } }, alternatives, scale: 'max' })).toEqual({
      impossible: 'scale: max needs values over 0, and x has 0',
    });
  });

  it('take alternatives that are all alike as equal', () => {
    const [criteria, alternatives] = [{ x: { weight: 1 } }, { a: { x: 0 }, b: { x: 0 } }];
    const equal = { decision: 'a', explanation: { tied: ['a', 'b'] } };
    expect(weightedSum({ criteria, alternatives })).toMatchObject(equal);
    expect(weightedSum({ criteria, alternatives, scale: 'none' })).toMatchObject(equal);
    expect(topsis({ criteria, alternatives })).toMatchObject(equal);
  });
});
