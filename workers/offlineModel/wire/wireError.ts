import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** An answer that is no completion, in the shape OpenAI gives its errors. */
export interface WireError {
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface WireErrorOptions {
  /** The place in the request, as OpenAI writes it: `messages[0].content`. */
  param?: string;
  code?: string;
  type?: string;
  headers?: Readonly<Record<string, string>>;
}

export function wireError(status: ContentfulStatusCode, message: string, options: WireErrorOptions = {}): WireError {
  const { param = null, code = null, type = defaultType(status), headers = {} } = options;
  return { status, headers, body: { error: { message, type, param, code } } };
}

export function isWireError(value: object): value is WireError {
  return 'status' in value && 'body' in value;
}

function defaultType(status: number): string {
  if (status === 429) return 'requests';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

export function unknownModel(model: string): WireError {
  return wireError(404, `The model '${model}' does not exist or you do not have access to it.`, {
    param: 'model',
    code: 'model_not_found',
  });
}
