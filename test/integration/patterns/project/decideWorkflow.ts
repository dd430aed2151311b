import { decide, isFailure } from '../../../../workflows/index.js';

/** Each way to decide without voters, on one claim; `wrong` names how often what cannot be decided has failed as it should. */
export async function decideAll({ amount }: { amount: number }) {
  const claim = { amount, papers: ['bill'] };
  const alternatives = { repair: { cost: amount, weeks: 2 }, replace: { cost: amount * 2, weeks: 1 } };
  const criteria = { cost: { weight: 2, goal: 'min' }, weeks: { weight: 1, goal: 'min' } } as const;
  const failures = [
    () => decide.table({}, { rules: [{ when: 'input.amount > 1', decide: 'pay' }] }),
    () => decide.topsis({ criteria, alternatives: { repair: { cost: 1 } as { cost: number; weeks: number } } }),
    () => decide.tree(claim, { when: 'input.', yes: { decide: 1 }, no: { decide: 2 } }),
  ].map((attempt) => {
    try {
      return attempt().decision;
    } catch (error) {
      const type = (['Decision.Impossible', 'Pattern.InvalidSteps'] as const).find((one) => isFailure(error, one));
      if (!type) throw error;
      return type;
    }
  });
  return {
    table: decide.table(claim, { rules: [{ when: 'input.amount > 100', decide: 'board' }], otherwise: 'pay' }),
    tree: decide.tree(claim, { when: 'size(input.papers) > 0', yes: { decide: 'read' }, no: { decide: 'ask' } }),
    match: decide.match(claim, [{ match: { papers: [{ $bind: 'only' }] }, decide: 'one paper' }]),
    weightedSum: decide.weightedSum({ criteria, alternatives }),
    topsis: decide.topsis({ criteria, alternatives }),
    failures,
  };
}
