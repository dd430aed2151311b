/** What a provider can do wrong on demand, by name, and the settings each kind takes. */
import { z } from 'zod';

/** What a provider answers in place of a completion, by fault kind. Other statuses that stand here behave as OpenAI's do. */
export const errorFaults = {
  '400': { status: 400, message: 'The request is malformed.' },
  '401': { status: 401, message: 'The API key is missing or wrong.', code: 'invalid_api_key' },
  '403': { status: 403, message: 'Your account may not use this model.' },
  '404': { status: 404, message: 'The model does not exist.', code: 'model_not_found' },
  '408': { status: 408, message: 'The request took too long.' },
  '409': { status: 409, message: 'The resource is being changed by another request.' },
  '413': { status: 413, message: 'The request is too large.', code: 'request_too_large' },
  '422': { status: 422, message: 'The request cannot be processed.' },
  '429': { status: 429, message: 'Rate limit reached for requests.', code: 'rate_limit_exceeded' },
  '500': { status: 500, message: 'The server had an error while processing your request.' },
  '502': { status: 502, message: 'Bad gateway.' },
  '503': { status: 503, message: 'The engine is currently overloaded, please try again later.' },
  '504': { status: 504, message: 'The upstream server did not answer in time.' },
  quota: { status: 429, message: 'You exceeded your current quota.', code: 'insufficient_quota' },
  'context-length': {
    status: 400,
    message: "This model's maximum context length is exceeded.",
    code: 'context_length_exceeded',
  },
} as const;

export type ErrorFaultKind = keyof typeof errorFaults;

export const errorFaultKinds = Object.keys(errorFaults) as [ErrorFaultKind, ...ErrorFaultKind[]];
const plainFaultKinds = [
  'reset',
  'malformed',
  'malformed-content',
  'refusal',
  'length',
  'content_filter',
  'invalid-output',
] as const;

const retryAfterSeconds = z.number().min(0).max(3_600).optional();
const delayMs = z.number().int().min(1).max(600_000).optional();

/**
 * - error kinds: an error body; `retryAfterSeconds` (429 and 503: default 1 for 429, none for 503)
 * - `stall`: status and headers, then nothing; with `headers: false` not even these
 * - `slow`: `delayMs` (default 100) between two frames, or ten pieces of a body
 * - `cut`: after `afterFrames` (default: half of them) the connection is closed; with `how: 'end'` the response ends as if
 *   nothing were missing
 * - `reset`: the connection is reset before a byte of the response
 * - `malformed`: a frame of the stream, or the body, is no JSON
 * - `malformed-content`: the frames are whole, but the JSON the model writes breaks off
 * - `refusal`, `length`, `content_filter`: the model stops for that reason
 * - `invalid-output`: JSON that does not match the schema
 * - `wrong-usage`: a whole answer that says something untrue of its tokens: `more` (default; ten times as many), `less` (a tenth), or
 *   `nothing`
 */
export const faultSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.enum(errorFaultKinds), retryAfterSeconds }),
  z.strictObject({ kind: z.literal('stall'), headers: z.boolean().optional() }),
  z.strictObject({ kind: z.literal('slow'), delayMs }),
  z.strictObject({
    kind: z.literal('cut'),
    afterFrames: z.number().int().min(0).max(100_000).optional(),
    how: z.enum(['destroy', 'end']).optional(),
  }),
  z.strictObject({ kind: z.enum(plainFaultKinds) }),
  z.strictObject({ kind: z.literal('wrong-usage'), says: z.enum(['more', 'less', 'nothing']).optional() }),
]);

export type Fault = z.infer<typeof faultSchema>;
export type FaultKind = Fault['kind'];

export const faultKinds = [
  ...errorFaultKinds,
  ...(['stall', 'slow', 'cut'] as const),
  ...plainFaultKinds,
  'wrong-usage',
] as const satisfies readonly FaultKind[];
