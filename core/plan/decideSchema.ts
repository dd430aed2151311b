import { z } from 'zod';
import { votingRules } from '../decide/countVotes.js';
import { mostCriteria } from '../decide/criteria.js';
import { sumScales } from '../decide/weightedSum.js';
import { planLimits } from './plan.js';
import { decideMethods } from './planDecide.js';

const json = z.json().refine((value) => value !== null, 'null is what there is without a decision');
const criteria = z
  .record(
    z.string().min(1).max(100),
    z.strictObject({
      weight: z.number().min(0).describe('Relative to the others.'),
      goal: z.enum(['max', 'min']).optional().describe('Whether more is better, or less. Default max.'),
    }),
  )
  .refine((given) => Object.keys(given).length <= mostCriteria, `at most ${mostCriteria} criteria`);
const alternatives = z.json().describe('Name → criterion → number: JSON with references.');

/** The schema of `decide` in an action. @param parts schemas of the plan that it is made with */
export function decideSchema<Actions extends z.ZodType, Duration extends z.ZodType>(parts: {
  actions: Actions;
  duration: Duration;
}) {
  return z
    .strictObject({
      table: z
        .strictObject({
          hit: z
            .enum(['first', 'unique', 'priority', 'all'])
            .optional()
            .describe(
              'Of rules that are true, the first (default), the only one, the most important output, or a list of all.',
            ),
          rules: z
            .array(
              z.strictObject({
                when: z.string().min(1).describe('A condition in CEL over `input` and `steps`.'),
                decide: json,
                name: z.string().min(1).max(200).optional(),
              }),
            )
            .min(1)
            .max(planLimits.rules),
          priorities: z.array(json).optional().describe('With hit: priority, every output, the most important first.'),
          otherwise: json.optional().describe('When no rule is true. Default null.'),
        })
        .optional(),
      weightedSum: z
        .strictObject({
          criteria,
          alternatives,
          scale: z.enum(sumScales).optional().describe('How values of a criterion are made comparable. Default range.'),
        })
        .optional(),
      topsis: z.strictObject({ criteria, alternatives }).optional(),
      ensemble: z
        .strictObject({
          voters: parts.actions.describe('Asked at once; each gives { vote, confidence?, reason? }.'),
          options: z.array(z.string().min(1).max(200)).min(2).max(planLimits.rules),
          rule: z.enum(votingRules).optional().describe('Default majority.'),
          weights: z.record(z.string(), z.number().min(0)).optional().describe('With rule: weighted. Default 1 each.'),
          temperatures: z.record(z.string(), z.number().positive()).optional().describe('With rule: calibrated.'),
          minConfidence: z.number().min(0).max(1).optional().describe('With rule: calibrated.'),
          quorum: z.number().int().min(1).optional().describe('Votes that have to come. Default: all.'),
          timeout: parts.duration.optional().describe('Who has not voted by then is missing.'),
        })
        .optional(),
    })
    .refine(
      (given) => decideMethods.filter((method) => given[method] !== undefined).length === 1,
      `exactly one of ${decideMethods.join(', ')}`,
    );
}
