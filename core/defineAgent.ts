import type { z } from 'zod';
import { type Guardrails, type GuardrailsOptions, parseGuardrails } from './guardrails.js';
import { assertSurvivesJson } from './schema.js';

/** A method's type, so that an agent of any input fits where agents of all inputs are taken. */
type Instructions<Input, Deps> = { write(context: { input: Input; deps: Deps }): string }['write'];

export interface AgentOptions<Input extends z.ZodType, Output extends z.ZodType, Deps extends z.ZodType> {
  /** The system prompt: what the agent is for and how it works. A function sees the input and the run's dependencies. */
  instructions: string | Instructions<z.output<Input>, z.output<Deps>>;
  input: Input;
  /**
   * The model is told that the input is data and never an instruction, as it is told of what tools return (docs/guardrails.md). Default:
   * true, but for an input that is a string, which is what the agent is asked.
   */
  inputIsData?: boolean;
  /** A string schema is answered in plain text; anything else as JSON the provider is asked to hold to. */
  output: Output;
  /** Dependencies the instructions need from the run, for example the acting user's name. */
  deps?: Deps;
  /** Model alias of segno.config.ts. Default `default`. */
  model?: string;
  /** Names of the tools it may call; whatever the model says, it can call no others. */
  tools?: readonly string[];
  /** Model calls in one agent call, those that correct an answer included. Default 20. */
  maxTurns?: number;
  /** How often an answer that does not match `output` goes back to the model with its errors. Default 2. */
  maxRepairs?: number;
  /** Output tokens of one model call. Default: the model alias's. */
  maxOutputTokens?: number;
  /** A budget of segno.config.ts that its model calls are paid from, beside those of the run and the tenant. */
  budget?: string;
  /** Rules for its input and its answer, after those of segno.config.ts; see docs/guardrails.md. */
  guardrails?: GuardrailsOptions;
  /** Sampling temperature, 0 to 2. Default: the provider's. */
  temperature?: number;
}

export interface AgentDefinition<
  Input extends z.ZodType = z.ZodType,
  Output extends z.ZodType = z.ZodType,
  Deps extends z.ZodType = z.ZodType,
> extends AgentOptions<Input, Output, Deps> {
  readonly kind: 'agent';
  guardrails?: Guardrails;
}

/**
 * Define an agent. Its name is the name it is exported under.
 *
 * @throws Error when a schema would not survive JSON, a limit is not a positive whole number, or a guardrail is no rule
 */
export function defineAgent<
  Input extends z.ZodType,
  Output extends z.ZodType,
  Deps extends z.ZodType = z.ZodType<undefined>,
>(options: AgentOptions<Input, Output, Deps>): AgentDefinition<Input, Output, Deps> {
  assertSurvivesJson(options.input, 'The agent’s input schema');
  assertSurvivesJson(options.output, 'The agent’s output schema');
  if (options.deps) assertSurvivesJson(options.deps, 'The agent’s deps schema');
  for (const limit of ['maxTurns', 'maxOutputTokens'] as const) {
    const value = options[limit];
    if (value !== undefined && !(Number.isInteger(value) && value > 0)) {
      throw new Error(`${limit} must be a positive whole number, not ${value}.`);
    }
  }
  const repairs = options.maxRepairs;
  if (repairs !== undefined && !(Number.isInteger(repairs) && repairs >= 0)) {
    throw new Error(`maxRepairs must be a whole number of 0 or more, not ${repairs}.`);
  }
  const { guardrails, ...rest } = options;
  return {
    ...rest,
    kind: 'agent',
    ...(guardrails && { guardrails: parseGuardrails(guardrails, 'The agent’s guardrails') }),
  };
}

export function isAgent(value: unknown): value is AgentDefinition {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'agent';
}
