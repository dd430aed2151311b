import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineAgent } from '../../core/defineAgent.js';
import { defineTool } from '../../core/defineTool.js';
import { SegnoError } from '../../core/errors.js';
import { inOrder } from '../../core/graph.js';
import { planCatalogue } from '../../core/plan/catalogue.js';
import { documentFault } from '../../core/plan/documentFaults.js';
import { estimatePlan } from '../../core/plan/estimatePlan.js';
import { type Plan, planLimits } from '../../core/plan/plan.js';
import { planGraph } from '../../core/plan/planGraph.js';
import { parsePlan, planFaults, toldFaults } from '../../core/plan/readPlan.js';
import { resolveReferences } from '../../core/plan/references.js';
import { sizeWithin } from '../../core/plan/valueSize.js';

const analyst = defineAgent({
  instructions: 'Analyze.',
  input: z.object({ text: z.string(), depth: z.number().int().default(1), tone: z.enum(['dry', 'warm']).optional() }),
  output: z.object({ score: z.number(), tags: z.array(z.string()), by: z.object({ name: z.string() }).nullable() }),
});
const publish = defineTool({
  description: 'Publishes.',
  input: z.strictObject({ text: z.union([z.string(), z.object({ lines: z.array(z.string()) })]) }),
  output: z.object({ url: z.string() }),
  execute: () => ({ url: 'x' }),
});
const catalogue = planCatalogue({
  agents: new Map([['analyst', analyst]]),
  tools: new Map([['publish', publish]]),
  workflows: ['translate'],
});

const text = { $ref: 'input.text' };
const analyze = { id: 'analyze', agent: 'analyst', input: { text } };
const analyzeItem = { agent: 'analyst', input: { text: { $ref: 'input.text' } } };
const planOf = (steps: unknown, more: object = {}): unknown => ({ version: 1, name: 'test', steps, ...more });
const faultsOf = (steps: unknown, more?: object): string[] => planFaults(planOf(steps, more), catalogue);

const whole = planOf(
  [
    analyze,
    {
      id: 'publish',
      tool: 'publish',
      input: { text: { $ref: 'steps.analyze.tags.0', default: 'none' } },
      when: 'steps.analyze.score > 7 && has(input.text)',
      retry: { attempts: 3, delay: '5s' },
      timeout: '2m',
      fallback: { value: { url: null } },
    },
    {
      id: 'each',
      map: { over: { $ref: 'steps.analyze.tags' }, do: { agent: 'analyst', input: { text: { $ref: 'item' } } } },
    },
    { id: 'both', parallel: { one: { workflow: 'translate', input: text }, two: { value: 1 } }, after: ['publish'] },
    { id: 'chain', sequence: [{ value: 1 }, { value: { $ref: 'previous' } }], needs: 'ended', after: ['each'] },
    {
      id: 'better',
      refine: {
        write: { agent: 'analyst', input: { text: { $ref: 'feedback.0', default: '' } } },
        review: { value: { acceptable: true, feedback: [], draft: { $ref: 'draft' } } },
      },
    },
    {
      id: 'supervised',
      supervise: {
        work: { agent: 'analyst', input: { text: { $ref: 'feedback.0', default: '' } } },
        review: { value: { acceptable: true, feedback: [], draft: { $ref: 'draft' } } },
        maxRounds: 2,
        escalate: { senior: { value: [{ $ref: 'draft' }, { $ref: 'reviews' }, { $ref: 'error' }] } },
        onFailure: 'escalate',
      },
    },
    {
      id: 'polled',
      repeatUntil: {
        do: { value: [{ $ref: 'previous' }, { $ref: 'round' }] },
        until: 'round > 2 || output[1] == steps.better.rounds',
        maxRounds: 50,
        delay: '1s',
        backoff: 1.5,
        maxDelay: '1m',
        timeout: '1h',
        onFailure: 'continue',
      },
    },
    {
      id: 'routed',
      map: {
        over: [1, 2],
        do: {
          route: {
            rules: [{ when: 'item > 1 && steps.polled.met', to: 'large' }],
            classify: { value: { label: 'small', confidence: 0.9 } },
            minConfidence: 0.7,
            routes: { large: { value: 1 }, small: { value: { $ref: 'item' } } },
            fallback: { value: { $ref: 'unclear.reason' } },
            onFailure: 'fallback',
          },
        },
      },
    },
    {
      id: 'decided',
      decide: {
        table: {
          hit: 'priority',
          priorities: ['no', 'yes'],
          rules: [
            { when: 'steps.analyze.score > 7', decide: 'yes', name: 'good' },
            { when: 'input.late', decide: 'no' },
          ],
          otherwise: 'no',
        },
      },
    },
    {
      id: 'best',
      decide: {
        weightedSum: {
          criteria: { score: { weight: 2 }, price: { weight: 1, goal: 'min' } },
          alternatives: { one: { $ref: 'steps.analyze' }, two: { score: 3, price: { $ref: 'input.price' } } },
          scale: 'max',
        },
      },
    },
    { id: 'nearest', decide: { topsis: { criteria: { x: { weight: 1 } }, alternatives: { $ref: 'steps.each' } } } },
    {
      id: 'voted',
      decide: {
        ensemble: {
          voters: { one: analyzeItem, two: { value: { vote: { $ref: 'steps.decided.decision' } } } },
          options: ['yes', 'no'],
          rule: 'weighted',
          weights: { one: 2 },
          quorum: 1,
          timeout: '1m',
        },
      },
    },
    { id: 'raced', race: { one: { value: 1 }, two: { value: 2 } } },
    { id: 'hedged', hedge: { do: analyzeItem, after: '2s', attempts: 3 } },
    { id: 'rescued', withFallback: [analyzeItem, { value: { $ref: 'steps.raced.winner' } }] },
    { id: 'limited', withTimeout: { do: analyzeItem, timeout: '2s' } },
    { id: 'paid', waitForEvent: { name: 'paid', key: { $ref: 'steps.publish.url' }, timeout: '3 days' } },
    { id: 'opening', sleepUntil: '2027-01-31T09:00:00Z', after: ['paid'] },
    { id: 'closing', sleepUntil: { $ref: 'steps.paid.closing' } },
    {
      id: 'handed',
      handoff: {
        task: { $ref: 'steps.analyze.tags.0' },
        start: 'one',
        peers: {
          one: { description: 'first', turn: { value: { handTo: 'two', text: { $ref: 'turn.task' } } } },
          two: { description: 'second', turn: analyzeItem },
        },
        maxTurns: 3,
        maxReturns: 1,
        onFailure: 'continue',
        timeout: '2m',
      },
    },
    {
      id: 'talked',
      mesh: {
        goal: { about: { $ref: 'steps.handed.answer' } },
        peers: { one: { description: 'first', turn: analyzeItem }, two: { description: 'second', turn: analyzeItem } },
        start: ['two'],
        maxRounds: 3,
        maxMessages: 2,
        maxExchange: 3,
      },
    },
    {
      id: 'argued',
      debate: {
        question: 'Shall we?',
        sides: {
          yes: { position: 'We shall.', speak: { value: { text: { $ref: 'turn.position' }, concedes: false } } },
          no: { position: 'We shall not.', speak: analyzeItem },
        },
        judge: { value: { $ref: 'debate.said.0.text' } },
        rounds: 1,
      },
    },
  ],
  {
    description: 'All there is.',
    output: { url: { $ref: 'steps.publish.url' } },
    onFailure: 'continue',
    timeout: 60_000,
  },
);

describe('a plan', () => {
  it('may use all there is', () => {
    expect(planFaults(whole, catalogue)).toEqual([]);
    expect(parsePlan(whole, catalogue)).toEqual(whole);
  });

  it('comes after what it refers to, without saying so', () => {
    const graph = planGraph(parsePlan(whole, catalogue));
    expect(Object.fromEntries(graph.map(({ name, after }) => [name, after]))).toEqual({
      analyze: [],
      publish: ['analyze'],
      each: ['analyze'],
      both: ['publish'],
      chain: ['each'],
      better: [],
      supervised: [],
      polled: ['better'],
      routed: ['polled'],
      decided: ['analyze'],
      best: ['analyze'],
      nearest: ['each'],
      voted: ['decided'],
      raced: [],
      hedged: [],
      rescued: ['raced'],
      limited: [],
      paid: ['publish'],
      opening: ['paid'],
      closing: ['paid'],
      handed: ['analyze'],
      talked: ['handed'],
      argued: [],
    });
  });

  it('is refused with all its faults in one error, each with its path', () => {
    const error = (() => {
      try {
        return parsePlan(
          planOf([
            { id: 'a', agent: 'nobody' },
            { id: 'a', value: 1 },
          ]),
          catalogue,
        );
      } catch (thrown) {
        return thrown as SegnoError;
      }
    })();
    expect(error).toBeInstanceOf(SegnoError);
    expect(error).toMatchObject({
      type: 'Plan.Invalid',
      message:
        'the plan is not valid:\nsteps[1].id: a is the name of step 0 already\nsteps[0].agent: no agent is named nobody; there are: analyst',
    });
  });

  it.each<[string, unknown, string[]]>([
    ['no step', [], ['steps: Too small: expected array to have >=1 items']],
    [
      'a step that does nothing',
      [{ id: 'a' }],
      [
        'steps[0]: one of agent, tool, workflow, value, parallel, sequence, map, refine, supervise, repeatUntil, route, decide, race, hedge, withFallback, withTimeout, approval, handoff, mesh, debate, waitForEvent, sleepUntil must say what it does',
      ],
    ],
    [
      'a step that does two things',
      [{ id: 'a', agent: 'analyst', tool: 'publish' }],
      ['steps[0]: agent and tool stand side by side; only one may'],
    ],
    ['a key nobody knows', [{ ...analyze, model: 'x' }], ['steps[0]: Unrecognized key: "model"']],
    [
      'an id no condition could name',
      [{ id: '__proto__x', value: 1 }],
      ['steps[0].id: a name of letters, digits, _ and -, at most 64, that begins with a letter'],
    ],
    ['an id every object has', [{ id: 'constructor', value: 1 }], ['steps[0].id: this name is reserved']],
    [
      'a duration nobody understands',
      [{ id: 'a', value: 1, timeout: 'soon' }],
      ['steps[0].timeout: milliseconds, or a text such as "30s", "2m" or "1 hour"; at most 365 days'],
    ],
    ...['999999 days', '366d', '0s'].map((timeout): [string, object[], string[]] => [
      `a duration of ${timeout}`,
      [{ id: 'a', value: 1, timeout }],
      ['steps[0].timeout: milliseconds, or a text such as "30s", "2m" or "1 hour"; at most 365 days'],
    ]),
    [
      'a fault inside an action',
      [{ id: 'a', parallel: { x: { agent: 1 } } }],
      ['steps[0].parallel.x.agent: Invalid input: expected string, received number'],
    ],
    ['an unknown step before it', [{ id: 'a', value: 1, after: ['b'] }], ['steps[0].after[0]: there is no step b']],
    [
      'a reference to an unknown step',
      [{ id: 'a', value: [{ $ref: 'steps.b.x' }] }],
      ['steps[0].value[0]: there is no step b'],
    ],
    [
      'a condition over an unknown step',
      [{ id: 'a', value: 1, when: 'steps.b.x > 1' }],
      ['steps[0].when: there is no step b'],
    ],
    [
      'a condition over all steps',
      [{ id: 'a', value: 1, when: 'steps.exists(k, k == "b")' }],
      ['steps[0].when: steps must be followed by the id of a step: steps.ID or steps["ID"]'],
    ],
    [
      'a condition that is no CEL',
      [{ id: 'a', value: 1, when: 'input.x >' }],
      ['steps[0].when: Unexpected token: EOF (at character 10)'],
    ],
    [
      'a condition that gives no bool',
      [{ id: 'a', value: 1, when: '1 + 1' }],
      ['steps[0].when: it gives int, and bool is needed'],
    ],
    [
      'a cycle of references',
      [
        { id: 'a', value: { $ref: 'steps.b' } },
        { id: 'b', value: { $ref: 'steps.a' } },
      ],
      ['steps[1].value: a cycle: a → b → a'],
    ],
    ['a reference to itself', [{ id: 'a', value: { $ref: 'steps.a' } }], ['steps[0].value: a cycle: a → a']],
    [
      'a reference that is no path',
      [{ id: 'a', value: { $ref: 'steps..a' } }],
      ['steps[0].value: $ref is no path of names with dots such as "steps.analyze.score"'],
    ],
    [
      'a reference with more beside it',
      [{ id: 'a', value: { $ref: 'input', or: 1 } }],
      ['steps[0].value: beside $ref only default may stand, not or'],
    ],
    [
      'a local where there is none',
      [{ id: 'a', value: { $ref: 'item' } }],
      ['steps[0].value: there is no item here; there are: input, steps'],
    ],
    [
      'input for what takes none',
      [{ id: 'a', value: 1, input: 1 }],
      ['steps[0].input: only an agent, a tool or a workflow takes input'],
    ],
    [
      'an unknown workflow',
      [{ id: 'a', workflow: 'gone' }],
      ['steps[0].workflow: no workflow is named gone; there are: translate'],
    ],
    [
      'a field of another type',
      [{ id: 'a', agent: 'analyst', input: { text: 1 } }],
      ['steps[0].input.text: string is needed, and this is integer'],
    ],
    [
      'a number that is no integer',
      [{ ...analyze, input: { text, depth: 1.5 } }],
      ['steps[0].input.depth: integer is needed, and this is number'],
    ],
    [
      'a choice there is not',
      [{ ...analyze, input: { text, tone: 'loud' } }],
      ['steps[0].input.tone: one of "dry", "warm" is needed'],
    ],
    ['a missing field', [{ id: 'a', agent: 'analyst', input: {} }], ['steps[0].input: the field text is missing']],
    ['no input at all', [{ id: 'a', agent: 'analyst' }], ['steps[0].input: object is needed, and this is null']],
    [
      'a field nobody knows',
      [{ id: 'a', tool: 'publish', input: { text: 'x', to: 'y' } }],
      ['steps[0].input.to: there is no such field; the fields are: text'],
    ],
    [
      'a fault in one form of several',
      [{ id: 'a', tool: 'publish', input: { text: { lines: [1] } } }],
      ['steps[0].input.text.lines[0]: string is needed, and this is integer'],
    ],
    [
      'an output of another type',
      [analyze, { id: 'b', agent: 'analyst', input: { text: { $ref: 'steps.analyze.score' } } }],
      ['steps[1].input.text: string is needed, and steps.analyze.score is number'],
    ],
    [
      'a field its step does not give',
      [analyze, { id: 'b', value: { $ref: 'steps.analyze.scoer' } }],
      ['steps[1].value: steps.analyze has no scoer: the fields are: score, tags, by'],
    ],
    [
      'a map over what is no list',
      [analyze, { id: 'b', map: { over: { $ref: 'steps.analyze.score' }, do: { value: 1 } } }],
      ['steps[1].map.over: array is needed, and steps.analyze.score is number'],
    ],
    [
      'a map over more than its own workflow can hold',
      [{ id: 'a', map: { over: [1], do: { sequence: [{ value: 1 }] }, maxItems: 1_001, gives: 'document' } }],
      [
        'steps[0].map.maxItems: at most 1000, for do is not one call of an agent, a tool or a workflow',
        'steps[0].map.gives: a document, only when do is one call of an agent, a tool or a workflow',
      ],
    ],
    [
      'a map over more than any may',
      [{ id: 'a', map: { over: [1], do: analyzeItem, maxItems: 100_001 } }],
      ['steps[0].map.maxItems: Too big: expected number to be <=100000'],
    ],
    [
      'a minimum that cannot be, or has no meaning',
      [
        { id: 'a', map: { over: [1], do: analyzeItem, minimum: 1 } },
        { id: 'b', map: { over: [1], do: analyzeItem, onFailure: 'continue', minimum: 1_001 } },
      ],
      ['steps[0].map.minimum: only with onFailure: continue', 'steps[1].map.minimum: there are at most 1000 elements'],
    ],
    [
      'a reference into a map as if it gave something else',
      [
        { id: 'a', map: { over: [1], do: analyzeItem, onFailure: 'continue' } },
        { id: 'b', map: { over: { $ref: 'steps.a' }, do: analyzeItem } },
        { id: 'c', map: { over: { $ref: 'steps.a.outputs' }, do: analyzeItem, gives: 'document' } },
        { id: 'd', map: { over: { $ref: 'steps.c' }, do: analyzeItem } },
      ],
      [
        'steps[1].map.over: array is needed, and steps.a is object',
        'steps[3].map.over: array is needed, and steps.c is object',
      ],
    ],
    [
      'a route with ways and names that are none, or nothing that decides',
      [
        {
          id: 'a',
          route: {
            rules: [
              { when: 'input.x > 1 && steps.gone', to: 'fast' },
              { when: 'item', to: 'slow' },
            ],
            routes: { slow: { value: 1 }, classify: { agent: 'nobody' } },
            fallback: { value: { $ref: 'item' } },
          },
        },
        { id: 'b', route: { routes: { slow: { value: 1 } }, fallback: { value: { $ref: 'unclear.reason' } } } },
      ],
      [
        'steps[0].route.rules[0].when: there is no step gone',
        'steps[0].route.rules[1].when: item is no variable; there are: input, steps',
        'steps[0].route.routes.classify: this name is reserved',
        'steps[0].route.rules[0].to: there is no route fast; there are: classify, slow',
        'steps[0].route.routes.classify.agent: no agent is named nobody; there are: analyst',
        'steps[0].route.fallback.value: there is no item here; there are: input, steps, unclear',
        'steps[1].route: neither rules nor classify say which way it goes',
      ],
    ],
    [
      'decisions that cannot be made',
      [
        { id: 'a', decide: {} },
        { id: 'b', decide: { topsis: { criteria: { x: { weight: 1 } }, alternatives: {} }, table: { rules: [] } } },
        { id: 'c', decide: { table: { rules: [{ when: 'true', decide: null }] } } },
      ],
      [
        'steps[0].decide: exactly one of table, weightedSum, topsis, ensemble',
        'steps[1].decide.table.rules: Too small: expected array to have >=1 items',
        'steps[1].decide: exactly one of table, weightedSum, topsis, ensemble',
        'steps[2].decide.table.rules[0].decide: null is what there is without a decision',
      ],
    ],
    [
      'decisions by what is not there',
      [
        {
          id: 'a',
          decide: { table: { hit: 'priority', rules: [{ when: 'steps.gone.x', decide: 1 }] } },
        },
        {
          id: 'b',
          decide: {
            topsis: { criteria: { x: { weight: 0 } }, alternatives: { one: { $ref: 'item' }, two: { $ref: '' } } },
          },
        },
        {
          id: 'c',
          decide: {
            ensemble: { voters: { one: { agent: 'nobody' } }, options: ['a', 'a'], weights: { two: 1 }, quorum: 2 },
          },
        },
      ],
      [
        'steps[0].decide.table.rules[0].when: there is no step gone',
        'steps[0].decide.table: priorities: are needed for hit: priority',
        'steps[1].decide.topsis.alternatives.one: there is no item here; there are: input, steps',
        'steps[1].decide.topsis: criteria: no weight is over 0',
        'steps[1].decide.topsis.alternatives.two: $ref is no path of names with dots such as "steps.analyze.score"',
        'steps[2].decide.ensemble: options: name two or more, each once',
        'steps[2].decide.ensemble: weights: only with rule: weighted',
        'steps[2].decide.ensemble: weights.two: there is no voter of that name',
        'steps[2].decide.ensemble: quorum: there are only 1 voters',
        'steps[2].decide.ensemble.voters.one.agent: no agent is named nobody; there are: analyst',
      ],
    ],
    [
      'peers who are not there, and waits for nothing',
      [
        { id: 'a', handoff: { task: 't', start: 'two', peers: { all: { description: 'a', turn: { value: 1 } } } } },
        {
          id: 'b',
          mesh: {
            goal: { $ref: 'item' },
            start: ['three'],
            peers: {
              one: { description: 'a', turn: { value: { $ref: 'turn' } } },
              two: { description: 'b', turn: { value: { $ref: 'debate' } } },
            },
          },
        },
        { id: 'c', debate: { question: 'q', sides: {}, judge: { value: { $ref: 'turn' } } } },
        { id: 'd', waitForEvent: { name: 'paid', key: { $ref: 'steps.gone' } } },
        { id: 'e', sleepUntil: 'tomorrow' },
        { id: 'f', sleepUntil: 5 },
        { id: 'g', sleepUntil: '3000-01-01' },
        { id: 'h', waitForEvent: { name: 'paid', key: 5 } },
        { id: 'i', waitForEvent: { name: 'paid', key: { order: { $ref: 'input.order' } } } },
        { id: 'j', waitForEvent: { name: 'paid', key: '' } },
      ],
      [
        'steps[3].waitForEvent.key: there is no step gone',
        'steps[0].handoff.peers: there are 1, not 2 to 20',
        'steps[0].handoff.peers.all: this name is reserved',
        'steps[0].handoff.start: there is no peer two; there are: all',
        'steps[1].mesh.goal: there is no item here; there are: input, steps',
        'steps[1].mesh.start[0]: there is no peer three; there are: one, two',
        'steps[1].mesh.peers.two.turn.value: there is no debate here; there are: input, steps, turn',
        'steps[2].debate.sides: there are 0, not 2 to 10',
        'steps[2].debate.judge.value: there is no turn here; there are: input, steps, debate',
        'steps[4].sleepUntil: neither a reference nor a moment such as "2027-01-31T09:00:00Z" or "2027-01-31"',
        'steps[5].sleepUntil: neither a reference nor a moment such as "2027-01-31T09:00:00Z" or "2027-01-31"',
        'steps[6].sleepUntil: it is not before the year 3000',
        'steps[7].waitForEvent.key: neither a reference nor a text of 1 to 200 characters',
        'steps[8].waitForEvent.key: neither a reference nor a text of 1 to 200 characters',
        'steps[9].waitForEvent.key: neither a reference nor a text of 1 to 200 characters',
      ],
    ],
    [
      'events without a name',
      [{ id: 'a', waitForEvent: { name: 'a/b' } }],
      ['steps[0].waitForEvent.name: 1 to 100 characters without /'],
    ],
    [
      'levels above that are none, or have the name of the worker',
      [
        { id: 'a', supervise: { work: { value: 1 }, review: { value: 1 }, escalate: {} } },
        { id: 'b', race: {} },
      ],
      ['steps[0].supervise.escalate: at least one is needed', 'steps[1].race: at least one is needed'],
    ],
    [
      'a level above with the name of the worker',
      [{ id: 'a', supervise: { work: { value: 1 }, review: { value: 1 }, escalate: { worker: { value: 1 } } } }],
      ['steps[0].supervise.escalate.worker: this name is reserved'],
    ],
    [
      'a repetition without a bound',
      [{ id: 'a', repeatUntil: { do: { value: 1 }, until: 'output == 1' } }],
      ['steps[0].repeatUntil.maxRounds: Invalid input: expected number, received undefined'],
    ],
    [
      'a repetition until what is not there, or never a truth value',
      [
        { id: 'a', repeatUntil: { do: { value: { $ref: 'output' } }, until: 'round', maxRounds: 2 } },
        { id: 'b', repeatUntil: { do: { value: 1 }, until: 'previous == 1', maxRounds: 2 } },
      ],
      [
        'steps[0].repeatUntil.do.value: there is no output here; there are: input, steps, round, previous',
        'steps[1].repeatUntil.until: previous is no variable; there are: input, steps, output, round',
      ],
    ],
    [
      'a reference to what a pattern does not give',
      [
        { id: 'a', hedge: { do: analyzeItem, after: '1s' } },
        { id: 'b', value: { $ref: 'steps.a.winner' } },
        { id: 'c', withTimeout: { do: analyzeItem, timeout: '1s' } },
        { id: 'd', value: { $ref: 'steps.c.scoer' } },
      ],
      [
        'steps[1].value: steps.a has no winner: the fields are: output, attempt, started',
        'steps[3].value: steps.c has no scoer: the fields are: score, tags, by',
      ],
    ],
    [
      'actions nested too deeply',
      [{ id: 'a', ...nested(planLimits.nesting + 1) }],
      ['steps[0].sequence[0].sequence[0].sequence[0].sequence[0].sequence[0]: actions are nested over 4 deep'],
    ],
  ])('is refused for %s', (_, steps, faults) => {
    expect(faultsOf(steps)).toEqual(faults);
  });

  it('is refused for an output that refers to nothing', () => {
    expect(
      faultsOf([analyze], { output: [{ $ref: 'steps.gone' }, { $ref: 'steps.analyze.url' }, { $ref: 'item' }] }),
    ).toEqual([
      'output[0]: there is no step gone',
      'output[1]: steps.analyze has no url: the fields are: score, tags, by',
      'output[2]: there is no item; a reference begins with input or steps',
    ]);
  });

  it('may refer to what is not known before it runs', () => {
    const steps = [
      analyze,
      { id: 'b', agent: 'analyst', input: { text: { $ref: 'steps.analyze.by.name' } } },
      { id: 'c', agent: 'analyst', input: { $ref: 'input' } },
      { ...analyze, id: 'd', fallback: { value: 'none' } },
      { id: 'e', value: { $ref: 'steps.d.anything' } },
    ];
    expect(faultsOf(steps)).toEqual([]);
  });
});

it('a plan is estimated at the most its patterns may take', () => {
  const step = (id: string, action: object): object => ({ id, ...action });
  const call = analyzeItem;
  const callsOf = (action: object): number =>
    estimatePlan(parsePlan(planOf([step('a', action)]), catalogue), () => ({ modelCalls: 1, usdPerModelCall: 1 }))
      .modelCalls;
  const both = { sequence: [call, call] };
  const routes = { one: call, two: both };
  expect(callsOf({ route: { classify: call, routes, fallback: call } })).toBe(3);
  expect(callsOf({ supervise: { work: call, review: call, escalate: { senior: call, person: call } } })).toBe(9);
  expect(callsOf({ repeatUntil: { do: both, until: 'output.score > 1', maxRounds: 7 } })).toBe(14);
  expect(callsOf({ race: [call, both] })).toBe(3);
  expect(callsOf({ hedge: { do: call, after: '1s' } })).toBe(2);
  expect(callsOf({ withFallback: { one: call, two: both } })).toBe(3);
  expect(callsOf({ decide: { ensemble: { voters: routes, options: ['a', 'b'] } } })).toBe(3);
  expect(callsOf({ withTimeout: { do: both, timeout: '1s' } })).toBe(2);
  const peers = { one: { description: 'a', turn: call }, two: { description: 'b', turn: both } };
  expect(callsOf({ handoff: { task: 't', peers, start: 'one', maxTurns: 2 } })).toBe(12);
  expect(callsOf({ mesh: { goal: 'g', peers, maxRounds: 2 } })).toBe(6);
  const sides = { yes: { position: 'a', speak: call }, no: { position: 'b', speak: both } };
  expect(callsOf({ debate: { question: 'q', sides, judge: call } })).toBe(7);
});

function nested(depth: number): object {
  return depth === 0 ? { value: 1 } : { sequence: [nested(depth - 1)] };
}

describe('a hostile plan', () => {
  const many = (count: number, step: (index: number) => object): object[] =>
    Array.from({ length: count }, (_, i) => step(i));
  let bottomless: unknown = 'x';
  for (let depth = 0; depth < 100_000; depth += 1) bottomless = [bottomless];
  const shared = many(50, () => ({ x: 1 }));
  let bomb: unknown = shared;
  for (let level = 0; level < 10; level += 1) bomb = many(9, () => bomb as object);

  it.each<[string, unknown, string]>([
    ['of ten thousand steps', planOf(many(10_000, (i) => ({ ...analyze, id: `s${i}` }))), 'over 20000 values'],
    [
      'of a thousand steps',
      planOf(many(1_000, (i) => ({ id: `s${i}`, value: 1 }))),
      'steps: Too big: expected array to have <=500 items',
    ],
    ['nested without end', planOf(bottomless), 'over 40 deep'],
    ['that grows like the aliases of a YAML bomb', planOf(bomb), 'over 20000 values'],
    ['of a very long text', planOf([{ id: 'a', value: 'x'.repeat(2_000_000) }]), 'over 1000000 characters'],
    [
      'with a huge condition',
      planOf([{ id: 'a', value: 1, when: '!'.repeat(500_000) }]),
      'steps[0].when: the expression has 500000 characters',
    ],
    ['with a deep condition', planOf([{ id: 'a', value: 1, when: '('.repeat(999) }]), 'steps[0].when: Exceeded max'],
    [
      'of six thousand rules',
      planOf(
        many(150, (i) => ({
          id: `s${i}`,
          route: {
            rules: many(40, () => ({ when: 'true', to: 'x' })),
            routes: { x: { value: 1 } },
            fallback: { value: 1 },
          },
        })),
      ),
      'steps[6].route.rules[10].when: the actions have over 250 conditions',
    ],
    [
      'with an id that is a prototype',
      JSON.parse('{"version":1,"name":"x","steps":[{"id":"__proto__","value":1}]}'),
      'steps[0].id',
    ],
    [
      'with a field that is a prototype',
      planOf([{ id: 'a', value: JSON.parse('{"__proto__":{"x":1}}') as unknown }]),
      'steps[0].value.__proto__: this name is reserved',
    ],
    ['with what is no JSON', planOf([{ id: 'a', value: () => 1 }]), 'steps[0].value: function is no JSON'],
    ['with an object of a class', planOf([{ id: 'a', value: new Map() }]), 'steps[0].value: it is no JSON object'],
    [
      'of one ring of steps',
      planOf(many(500, (i) => ({ id: `s${i}`, value: 1, after: [`s${(i + 1) % 500}`] }))),
      'a cycle: s0 → s1',
    ],
    ['that is a text', 'steps', '(root): Invalid input'],
    ['that is nothing', null, '(root): Invalid input'],
  ])('%s is refused with its place', (_, document, fault) => {
    expect(planFaults(document, catalogue).join('\n')).toContain(fault);
  });

  it('is told a bounded number of faults', () => {
    const faults = faultsOf(many(400, (i) => ({ id: `s${i}`, agent: 'nobody' })));
    expect(faults).toHaveLength(toldFaults + 1);
    expect(faults.at(-1)).toBe('… and 380 more');
  });

  it('is not looked at beyond the limits', () => {
    let visits = 0;
    documentFault(bomb, () => (visits += 1));
    expect(visits).toBeLessThanOrEqual(planLimits.values + 1);
    visits = 0;
    documentFault(bottomless, () => (visits += 1));
    expect(visits).toBeLessThanOrEqual(planLimits.depth + 1);
  });

  it('never crashes the checker, however a valid one is changed, and what it lets pass can be ordered', () => {
    const places = placesIn(whole);
    const junk = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom<unknown>(
        'steps.analyze',
        { $ref: 'steps.publish' },
        { $ref: 1 },
        ['analyze', 'both'],
        '__proto__',
        {},
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(...places), junk), { minLength: 1, maxLength: 4 }), (changes) => {
        const document = structuredClone(whole);
        for (const [place, value] of changes) put(document, place, structuredClone(value));
        const faults = planFaults(document, catalogue);
        if (faults.length > 0) {
          for (const fault of faults) expect(fault).toMatch(/^(\(root\)|… and|[a-zA-Z]+[.[:])/);
          return;
        }
        const { steps } = document as Plan;
        expect(inOrder(planGraph({ steps }))).toHaveLength(steps.length);
      }),
      { numRuns: 1_000 },
    );
  });
});

type Place = (string | number)[];

function placesIn(value: unknown, at: Place = []): Place[] {
  if (typeof value !== 'object' || value === null) return [at];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  const inner = keys.flatMap((key) => placesIn((value as Record<string | number, unknown>)[key], [...at, key]));
  return at.length === 0 ? inner : [at, ...inner];
}

function put(document: unknown, place: Place, value: unknown): void {
  let target = document as Record<string | number, unknown> | undefined;
  for (const part of place.slice(0, -1)) {
    const next = target?.[part];
    if (typeof next !== 'object' || next === null) return;
    target = next as Record<string | number, unknown>;
  }
  if (target) target[place.at(-1)!] = value;
}

describe('a reference', () => {
  const variables = { input: { a: [{ b: 1 }], none: null }, steps: { s: { length: 3 } } };

  it.each<[unknown, unknown]>([
    [{ $ref: 'input.a.0.b' }, 1],
    [{ $ref: 'input.none' }, null],
    [
      { x: [{ $ref: 'steps.s' }], y: 2 },
      { x: [{ length: 3 }], y: 2 },
    ],
    [{ $ref: 'input.a.7', default: 'none' }, 'none'],
  ])('%j leads to %j', (value, expected) => {
    expect(resolveReferences(value, variables)).toEqual(expected);
  });

  it.each(['input.a.length', 'input.constructor', 'input.__proto__', 'steps.toString', 'input.a.0.b.c', 'input.a.-1'])(
    '%s reaches nothing but own fields',
    ($ref) => {
      expect(() => resolveReferences({ $ref }, variables)).toThrow('leads to nothing');
    },
  );
});

describe('the size of a value', () => {
  const most = { values: 1_000, characters: 1_000, depth: 100 };

  it('counts a part as often as it stands there', () => {
    const part = { name: 'four' };
    expect(sizeWithin([part, part], most)).toEqual({ values: 5, characters: 16 });
  });

  it('is known to be too much without looking at all of it', () => {
    let doubled: unknown = 'x';
    for (let times = 0; times < 60; times += 1) doubled = [doubled, doubled];
    expect(sizeWithin(doubled, most)).toEqual({
      values: 1_001,
      characters: expect.any(Number) as number,
      over: 'values',
    });
    expect(sizeWithin(['x'.repeat(600), 'x'.repeat(600), 1], most)).toMatchObject({ values: 3, over: 'characters' });
    let deep: unknown = 'x';
    for (let times = 0; times < 100_000; times += 1) deep = [deep];
    expect(sizeWithin(deep, most)).toMatchObject({ values: 101, over: 'depth' });
  });
});
