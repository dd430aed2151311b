import { z } from 'zod';
import type { JsonSchema } from '../schema.js';
import { nameFaults } from '../event.js';
import { decideSchema } from './decideSchema.js';
import { actionKinds, kindOf, type Plan, type PlanAction, planLimits, type PlanStep } from './plan.js';

/** In conditions and references a name stands between dots; the three words would hide what every object has. */
const id = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'a name of letters, digits, _ and -, at most 64, that begins with a letter')
  .refine((name) => !['constructor', 'prototype', 'toString'].includes(name), 'this name is reserved');
const definitionName = z.string().min(1).max(200);

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 24 * 3_600_000 };
const maxDurationMs = 365 * unitMs['d']!;
const durationForm = 'milliseconds, or a text such as "30s", "2m" or "1 hour"; at most 365 days';
const duration = z.union(
  [
    z.number().int().positive().max(maxDurationMs),
    z
      .string()
      .regex(/^\d{1,6} ?(ms|s|m|h|d|seconds?|minutes?|hours?|days?)$/, { error: durationForm, abort: true })
      .refine((text) => textMs(text) > 0 && textMs(text) <= maxDurationMs, durationForm),
  ],
  { error: durationForm },
);

function textMs(text: string): number {
  const unit = text.replace(/^\d+ ?/, '');
  return Number.parseInt(text, 10) * unitMs[unit === 'ms' ? unit : unit[0]!]!;
}
const concurrency = z.number().int().min(1).max(planLimits.steps).optional();

const action: z.ZodType<PlanAction> = z
  .lazy(() => z.strictObject(actionShape).superRefine(oneKind))
  .meta({ id: 'action', description: 'What a step does: exactly one of its keys but `input`.' });
const actions = z.array(action).min(1).max(planLimits.items);
const someActions = z.record(id, action).refine((named) => Object.keys(named).length > 0, 'at least one is needed');
const rounds = z.number().int().min(1).max(planLimits.rounds).optional();
const condition = z.string().min(1);

const peers = {
  peers: z.record(
    id,
    z.strictObject({
      description: z.string().min(1).max(2_000).describe('What it is for; the others choose by it.'),
      turn: action.describe('May refer to `turn`, what a peer is told; gives a reply.'),
    }),
  ),
  onFailure: z.enum(['fail', 'continue']).optional().describe('continue: who fails is left out.'),
  timeout: duration.optional(),
};

const actionShape = {
  agent: definitionName.optional().describe('An agent of the project.'),
  tool: definitionName.optional().describe('A tool of the project.'),
  workflow: definitionName.optional().describe('A workflow of the project, as a child of the run.'),
  input: z.json().optional().describe('JSON; {"$ref": "steps.ID.FIELD"} and {"$ref": "input.FIELD"} stand for values.'),
  value: z.json().optional().describe('The output itself: JSON with references.'),
  parallel: z
    .union([z.record(id, action), actions])
    .optional()
    .describe('Actions side by side, by name or in a list.'),
  sequence: actions.optional().describe('Actions one after the other; each may refer to `previous`.'),
  map: z
    .strictObject({
      over: z.json().describe('A reference to a list, or a list.'),
      do: action.describe('For each element; may refer to `item` and `index`.'),
      maxItems: z
        .number()
        .int()
        .min(1)
        .max(planLimits.calls)
        .optional()
        .describe('A longer list is a failure. Default 1,000, which is also the most unless `do` is one call.'),
      concurrency: concurrency.describe('Elements at once.'),
      onFailure: z
        .enum(['fail', 'continue'])
        .optional()
        .describe('continue: gives { outputs, total, completed, failed, failures }, with null for a failed element.'),
      minimum: z.number().int().min(0).max(planLimits.calls).optional().describe('Elements that have to complete.'),
      timeout: duration.optional().describe('Limit of all elements together.'),
      gives: z.enum(['list', 'document']).optional().describe('document: the outputs as a JSON document.'),
    })
    .optional(),
  refine: z
    .strictObject({
      write: action.describe('Writes a draft; may refer to `draft`, the one before, and `feedback`.'),
      review: action.describe('Reviews `draft`: gives { acceptable, feedback, score? }.'),
      maxRounds: rounds,
    })
    .optional(),
  supervise: z
    .strictObject({
      work: action.describe('Writes a draft; may refer to `draft`, the one before, and `feedback`.'),
      review: action.describe('Reviews `draft`: gives { acceptable, feedback, score? }.'),
      maxRounds: rounds.describe('Drafts of `work` before its task goes up. Default 3.'),
      escalate: someActions.describe(
        'Who takes over, by name, in order; may refer to `draft`, `reviews` and `error`. What the last one gives stands.',
      ),
      onFailure: z.enum(['fail', 'escalate']).optional().describe('escalate: what fails passes the task on.'),
    })
    .optional()
    .describe('Gives { output, by, reviewed, rounds, reviews }.'),
  repeatUntil: z
    .strictObject({
      do: action.describe('May refer to `round` and `previous`, the output before.'),
      until: condition.describe('A condition in CEL over `output`, `round`, `input` and `steps`.'),
      maxRounds: z.number().int().min(1).max(planLimits.repeats),
      delay: duration.optional().describe('Before each round but the first.'),
      backoff: z.number().min(1).max(100).optional().describe('How many times longer each delay is. Default 1.'),
      maxDelay: duration.optional().describe('Default ten times `delay`.'),
      timeout: duration.optional().describe('Limit of all rounds together; then the last output stands.'),
      onFailure: z.enum(['fail', 'continue']).optional().describe('continue: a failed round ends it.'),
    })
    .optional()
    .describe('Gives { output, met, rounds, stopped }.'),
  route: z
    .strictObject({
      rules: z
        .array(z.strictObject({ when: condition.describe('A condition in CEL over `input` and `steps`.'), to: id }))
        .max(planLimits.rules)
        .optional()
        .describe('The first that is true decides.'),
      classify: action.optional().describe('Asked when no rule is true: gives { label, confidence }.'),
      minConfidence: z.number().min(0).max(1).optional().describe('Default 0.5.'),
      routes: someActions,
      fallback: action.describe('For what is unclear; may refer to `unclear`: { reason, label, confidence }.'),
      onFailure: z.enum(['fail', 'fallback']).optional().describe('fallback: also when the classifier fails.'),
    })
    .optional()
    .describe('Gives { route, by, reason, confidence, output }.'),
  decide: decideSchema({ actions: someActions, duration })
    .optional()
    .describe('Gives { decision, explanation }; without a decision it is null.'),
  race: z
    .union([someActions, actions])
    .optional()
    .describe('Side by side; gives { winner, output } of the first to complete, and cancels the others.'),
  hedge: z
    .strictObject({
      do: action,
      after: duration.describe('How long an attempt may take before the next is started beside it.'),
      attempts: z.number().int().min(1).max(planLimits.hedges).optional().describe('Default 2.'),
    })
    .optional()
    .describe('Gives { output, attempt, started }.'),
  withFallback: z
    .union([someActions, actions])
    .optional()
    .describe('One way after the other until one works; gives { used, output, errors }.'),
  withTimeout: z.strictObject({ do: action, timeout: duration }).optional().describe('Gives what `do` gives.'),
  approval: z
    .strictObject({
      name: z.string().regex(/^[^/]{1,100}$/, '1 to 100 characters without /'),
      title: z.string().min(1).max(300).optional(),
      detail: z.json().optional().describe('What the person must see: JSON with references.'),
      choices: z.array(z.string().min(1).max(200)).min(1).max(50).optional(),
      timeout: duration.optional().describe('Default 7 days.'),
    })
    .optional()
    .describe('Waits for a person; gives { approved, by, comment, value }.'),
  handoff: z
    .strictObject({
      task: z.json().describe('Text, or JSON with references.'),
      ...peers,
      start: id.describe('Who begins.'),
      maxTurns: rounds.describe('Turns of all together. Default 12.'),
      maxReturns: rounds.describe('How often each of two may have it back from the other. Default 2.'),
    })
    .optional()
    .describe('Peers hand a task to each other until one answers; gives { stopped, by, answer, said, error }.'),
  mesh: z
    .strictObject({
      goal: z.json().describe('Text, or JSON with references.'),
      ...peers,
      start: z.array(id).min(1).max(planLimits.peers).optional().describe('Who begins. Default: all.'),
      maxRounds: rounds.describe('Default 12.'),
      maxMessages: z.number().int().min(1).max(20).optional().describe('Of one peer in one turn. Default 10.'),
      maxExchange: rounds.describe('Rounds in which only two write, to each other alone. Default 6.'),
    })
    .optional()
    .describe(
      'Peers write to each other until all are done; gives { stopped, rounds, replies, messages, waiting, failed }.',
    ),
  debate: z
    .strictObject({
      question: z.json().describe('Text, or JSON with references.'),
      sides: z.record(
        id,
        z.strictObject({
          position: z.string().min(1).max(2_000),
          speak: action.describe('May refer to `turn`, what a side is told; gives { text, concedes }.'),
        }),
      ),
      judge: action.describe('May refer to `debate`: { question, said }.'),
      rounds: z.number().int().min(1).max(20).optional().describe('Default 2.'),
      onFailure: z.enum(['fail', 'continue']).optional(),
      timeout: duration.optional(),
    })
    .optional()
    .describe('Sides argue, and a judge hears them; gives { verdict, said, stopped, rounds, conceded, missed }.'),
  waitForEvent: z
    .strictObject({
      name: z.string().refine((name) => nameFaults(name, undefined).length === 0, '1 to 100 characters without /'),
      key: z.json().optional().describe('Text, or a reference to one. Default: an event without a key.'),
      timeout: duration.optional().describe('Default 7 days.'),
    })
    .optional()
    .describe('Waits for an event of another system (segno event); gives its data.'),
  sleepUntil: z
    .json()
    .optional()
    .describe('A moment, or a reference to one: ISO 8601 with a zone, or a date. Gives null.'),
};

const step: z.ZodType<PlanStep> = z
  .strictObject({
    id,
    after: z.array(id).max(planLimits.steps).optional().describe('Steps it comes after, beside those it refers to.'),
    needs: z.enum(['completed', 'ended']).optional(),
    when: z.string().min(1).optional().describe('A condition in CEL over `input` and `steps`.'),
    retry: z
      .strictObject({ attempts: z.number().int().min(1).max(planLimits.attempts), delay: duration.optional() })
      .optional(),
    timeout: duration.optional(),
    fallback: action.optional().describe('Runs when the last try has failed.'),
    ...actionShape,
  })
  .superRefine(oneKind);

export const planSchema: z.ZodType<Plan> = z.strictObject({
  version: z.literal(1),
  name: id,
  description: z.string().max(2_000).optional(),
  steps: z.array(step).min(1).max(planLimits.steps),
  output: z.json().optional().describe('JSON with references. Default: the outputs of the last steps, by id.'),
  onFailure: z.enum(['fail', 'continue']).optional(),
  timeout: duration.optional(),
  concurrency,
});

function oneKind(given: PlanAction, context: z.RefinementCtx): void {
  if (kindOf(given)) return;
  const kinds = actionKinds.filter((kind) => given[kind] !== undefined);
  context.addIssue({
    code: 'custom',
    message:
      kinds.length === 0
        ? `one of ${actionKinds.join(', ')} must say what it does`
        : `${kinds.join(' and ')} stand side by side; only one may`,
  });
}

/** For editors: published as schemas/plan.v1.json. A file that names it in `$schema` is read without that. */
export function planJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(planSchema, { io: 'input' }) as JsonSchema & { properties: JsonSchema };
  return { ...schema, properties: { ...schema.properties, $schema: { type: 'string' } }, title: 'A plan for Segno' };
}
