import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countVotes, type Vote, type Voting } from '../../../core/decide/countVotes.js';

const options = ['yes', 'no'] as const;
const votesOf = (...votes: (string | [string, number])[]): Record<string, Vote> =>
  Object.fromEntries(
    votes.map((vote, index) => [`v${index}`, Array.isArray(vote) ? { vote: vote[0], confidence: vote[1] } : { vote }]),
  );
function count(voting: Partial<Voting>, votes: Record<string, Vote>) {
  const outcome = countVotes({ options, ...voting }, votes);
  if (!('decision' in outcome)) throw new Error(JSON.stringify(outcome));
  return outcome;
}

describe('majority', () => {
  it('is over half of the votes, and what falls short of it decides nothing', () => {
    expect(count({}, votesOf('yes', 'no', 'yes'))).toMatchObject({
      decision: 'yes',
      explanation: { text: 'yes (majority): yes 2, no 1', tally: { yes: 2, no: 1 }, tied: [] },
    });
    const three = ['a', 'b', 'c'];
    expect(count({ options: three }, votesOf('a', 'a', 'b', 'c'))).toMatchObject({
      decision: null,
      explanation: { text: 'no decision, no option has over half of the votes (majority): a 2, b 1, c 1', tied: [] },
    });
  });

  it('decides nothing for a tie, and names who is tied', () => {
    expect(count({}, votesOf('yes', 'no'))).toMatchObject({
      decision: null,
      explanation: { tied: ['yes', 'no'], text: 'no decision, a tie of yes, no (majority): yes 1, no 1' },
    });
    expect(count({}, {})).toMatchObject({ decision: null, explanation: { tied: [] } });
  });
});

describe('unanimous', () => {
  it('is without a vote against', () => {
    expect(count({ rule: 'unanimous' }, votesOf('no', 'no'))).toMatchObject({ decision: 'no' });
    expect(count({ rule: 'unanimous' }, votesOf('no', 'no', 'yes'))).toMatchObject({ decision: null });
    expect(count({ rule: 'unanimous' }, votesOf('no', 'yes'))).toMatchObject({ decision: null });
  });
});

describe('weighted', () => {
  it('is the most weight, 1 for who has none of their own', () => {
    const weights = { v0: 3 };
    expect(count({ rule: 'weighted', weights }, votesOf('no', 'yes', 'yes'))).toMatchObject({
      decision: 'no',
      explanation: { tally: { yes: 2, no: 3 }, votes: { v0: { weight: 3 }, v1: { weight: 1 } } },
    });
    expect(count({ rule: 'weighted', weights: { v0: 2 } }, votesOf('no', 'yes', 'yes'))).toMatchObject({
      decision: null,
      explanation: { tied: ['yes', 'no'] },
    });
    expect(count({ rule: 'weighted', weights: { v0: 0 } }, votesOf('no'))).toMatchObject({ decision: null });
  });
});

describe('calibrated', () => {
  /**
   * The committee of Shapley & Grofman, Optimizing group judgmental accuracy in the presence of interdependencies (Public Choice 43,
   * 1984): right with probabilities .9, .9, .6, .6, .6. A majority of it is right in .877 of all cases, the rule of Nitzan & Paroush
   * (Optimal decision rules in uncertain dichotomous choice situations, International Economic Review 23, 1982) in .927.
   */
  it('makes a committee as often right as published, over all votes it may cast', () => {
    const skills = [0.9, 0.9, 0.6, 0.6, 0.6];
    const accuracy = { majority: 0, calibrated: 0 };
    for (let pattern = 0; pattern < 2 ** skills.length; pattern += 1) {
      const right = skills.map((_, index) => (pattern & (1 << index)) > 0);
      const probability = skills.reduce((product, skill, index) => product * (right[index] ? skill : 1 - skill), 1);
      const votes = votesOf(...skills.map((skill, index): [string, number] => [right[index] ? 'yes' : 'no', skill]));
      for (const rule of ['majority', 'calibrated'] as const)
        if (count({ rule }, votes).decision === 'yes') accuracy[rule] += probability;
    }
    expect(accuracy.majority.toFixed(3)).toBe('0.877');
    expect(accuracy.calibrated.toFixed(3)).toBe('0.927');
  });

  it('gives the probability by Bayes’ rule, for two options and for more', () => {
    const bayes = (k: number, votes: [number, number][]): number[] => {
      const likelihoods = Array.from({ length: k }, (_, truth) =>
        votes.reduce((product, [vote, p]) => product * (vote === truth ? p : (1 - p) / (k - 1)), 1),
      );
      const total = likelihoods.reduce((sum, likelihood) => sum + likelihood, 0);
      return likelihoods.map((likelihood) => likelihood / total);
    };
    const vote = fc.tuple(fc.nat({ max: 3 }), fc.double({ min: 0.02, max: 0.98, noNaN: true }));
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 4 }), fc.array(vote, { minLength: 1, maxLength: 6 }), (k, given) => {
        const cast = given.map(([option, p]): [number, number] => [option % k, p]);
        const named = Array.from({ length: k }, (_, index) => `o${index}`);
        const votes = votesOf(...cast.map(([option, p]): [string, number] => [`o${option}`, p]));
        const { tally } = count({ rule: 'calibrated', options: named }, votes).explanation;
        bayes(k, cast).forEach((probability, index) => expect(tally[`o${index}`]).toBeCloseTo(probability, 9));
      }),
    );
  });

  it('lets one who is sure stand against two who guess, and a temperature take that back', () => {
    const votes = votesOf(['yes', 0.95], ['no', 0.6], ['no', 0.6]);
    expect(count({ rule: 'calibrated' }, votes).decision).toBe('yes');
    expect(count({ rule: 'calibrated', temperatures: { v0: 4 } }, votes).decision).toBe('no');
  });

  it('takes a vote that is likely wrong as one against, and no confidence as certainty', () => {
    const { decision, explanation } = count({ rule: 'calibrated' }, votesOf(['yes', 0]));
    expect(decision).toBe('no');
    expect(explanation.tally['no']).toBeCloseTo(0.99, 9);
    expect(count({ rule: 'calibrated' }, votesOf(['yes', 1], ['no', 1])).explanation.tied).toEqual(['yes', 'no']);
  });

  it('decides nothing below the confidence that is asked for', () => {
    const votes = votesOf(['yes', 0.8]);
    expect(count({ rule: 'calibrated', minConfidence: 0.9 }, votes)).toMatchObject({
      decision: null,
      explanation: { text: 'no decision, yes is less probable than 0.9 (calibrated): yes 0.8, no 0.2' },
    });
    expect(count({ rule: 'calibrated', minConfidence: 0.79 }, votes).decision).toBe('yes');
  });
});

describe('votes', () => {
  it('do not depend on the order of voters', () => {
    const vote = fc.tuple(fc.constantFrom(...options), fc.double({ min: 0, max: 1, noNaN: true }));
    const rules = fc.constantFrom(
      'majority' as const,
      'unanimous' as const,
      'weighted' as const,
      'calibrated' as const,
    );
    fc.assert(
      fc.property(fc.array(vote, { maxLength: 7 }), rules, (given, rule) => {
        const votes = votesOf(...given);
        const reversed = Object.fromEntries(Object.entries(votes).reverse());
        expect(count({ rule }, reversed).decision).toBe(count({ rule }, votes).decision);
      }),
    );
  });

  it('are refused when they are none, with all that is wrong', () => {
    expect(countVotes({ options, rule: 'calibrated' }, { ada: { vote: 'maybe' as never }, bo: null as never })).toEqual(
      {
        impossible:
          'ada: vote: maybe is none of yes, no; ada: confidence: null is no number from 0 to 1; ' +
          'bo: vote: null is none of yes, no; bo: confidence: null is no number from 0 to 1',
      },
    );
    expect(
      countVotes({ options: ['a', 'a'], weights: { x: -1 }, temperatures: { x: 0 }, minConfidence: 2 }, {}),
    ).toEqual({
      invalid: [
        'options: name two or more, each once',
        'weights: only with rule: weighted',
        'temperatures: only with rule: calibrated',
        'minConfidence: only with rule: calibrated',
        'weights.x: -1 is out of range',
        'temperatures.x: 0 is out of range',
        'minConfidence: 2 is not between 0 and 1',
      ],
    });
  });
});
