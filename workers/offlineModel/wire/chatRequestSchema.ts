/**
 * The body of `POST /v1/chat/completions` as this server takes it.
 *
 * Strict on purpose: a parameter nobody knows is refused as the original refuses it, so that a misspelt one is found here.
 * Parameters that only tune a language model (temperature and the like) are accepted and change nothing.
 */
import { z } from 'zod';

const jsonSchemaSchema = z.union([z.boolean(), z.record(z.string(), z.unknown())]);
const nameSchema = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'a name of 1 to 64 letters, digits, underscores and dashes');

const textPartSchema = z.looseObject({ type: z.literal('text', 'only text parts are supported'), text: z.string() });
const refusalPartSchema = z.looseObject({ type: z.literal('refusal'), refusal: z.string() });
const textSchema = z.union([z.string(), z.array(textPartSchema).min(1)]);
const assistantTextSchema = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [textPartSchema, refusalPartSchema])).min(1),
]);

const toolCallSchema = z.looseObject({
  id: z.string().min(1),
  type: z.literal('function', 'only function calls are supported'),
  function: z.looseObject({ name: nameSchema, arguments: z.string() }),
});

const messageSchema = z.discriminatedUnion('role', [
  z.looseObject({ role: z.literal(['system', 'developer']), content: textSchema }),
  z.looseObject({ role: z.literal('user'), content: textSchema }),
  z.looseObject({
    role: z.literal('assistant'),
    content: assistantTextSchema.nullish(),
    refusal: z.string().nullish(),
    tool_calls: z.array(toolCallSchema).min(1).nullish(),
  }),
  z.looseObject({ role: z.literal('tool'), content: textSchema, tool_call_id: z.string().min(1) }),
]);

const toolSchema = z.looseObject({
  type: z.literal('function', 'only function tools are supported'),
  function: z.looseObject({
    name: nameSchema,
    description: z.string().nullish(),
    parameters: jsonSchemaSchema.nullish(),
    strict: z.boolean().nullish(),
  }),
});

const namedToolSchema = z.looseObject({ type: z.literal('function'), function: z.looseObject({ name: nameSchema }) });
const toolChoiceSchema = z.union([
  z.literal(['auto', 'none', 'required']),
  namedToolSchema,
  z.looseObject({
    type: z.literal('allowed_tools'),
    allowed_tools: z.looseObject({ mode: z.literal(['auto', 'required']), tools: z.array(namedToolSchema).min(1) }),
  }),
]);

const responseFormatSchema = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('text') }),
  z.looseObject({ type: z.literal('json_object') }),
  z.looseObject({
    type: z.literal('json_schema'),
    json_schema: z.looseObject({
      name: nameSchema,
      description: z.string().nullish(),
      schema: jsonSchemaSchema.optional(),
      strict: z.boolean().nullish(),
    }),
  }),
]);

const ignored = z.unknown().optional();

export const chatRequestSchema = z.strictObject({
  model: z.string().min(1),
  messages: z.array(messageSchema).min(1),
  stream: z.boolean().nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.boolean().nullish() })
    .nullish(),
  tools: z.array(toolSchema).min(1).max(128).nullish(),
  tool_choice: toolChoiceSchema.nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  response_format: responseFormatSchema.nullish(),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  stop: z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(4)]).nullish(),
  seed: z.int().nullish(),
  n: z.literal(1, 'only one choice is supported').nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  logprobs: z.literal(false, 'log probabilities are not supported').nullish(),
  logit_bias: ignored,
  metadata: ignored,
  moderation: ignored,
  prediction: ignored,
  prompt_cache_key: ignored,
  prompt_cache_options: ignored,
  prompt_cache_retention: ignored,
  reasoning_effort: ignored,
  safety_identifier: ignored,
  service_tier: ignored,
  store: ignored,
  top_logprobs: ignored,
  user: ignored,
  verbosity: ignored,
});

export type ChatRequestBody = z.infer<typeof chatRequestSchema>;
export type WireMessage = ChatRequestBody['messages'][number];
