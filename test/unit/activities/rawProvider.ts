import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RawProvider {
  readonly baseURL: string;
  /** Requests that have arrived. */
  readonly requests: readonly IncomingMessage[];
  close(): Promise<void>;
}

/** A provider that answers byte for byte what a test writes: for everything that is no answer. */
export async function rawProvider(
  answer: (response: ServerResponse, request: IncomingMessage, ordinal: number, body: string) => void,
): Promise<RawProvider> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.once('end', () => answer(response, request, requests.length, body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An answer of one status with a JSON body. */
export function status(code: number, body: unknown, headers: Record<string, string> = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(code, { 'content-type': 'application/json', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

/** A stream of server-sent events: strings go out as they are, anything else as JSON. `cut` breaks the connection at the end. */
export function events(frames: readonly unknown[], { cut = false }: { cut?: boolean } = {}) {
  return (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const text = frames
      .map((frame) => `data: ${typeof frame === 'string' ? frame : JSON.stringify(frame)}\n\n`)
      .join('');
    response.write(text, () => {
      if (cut) response.socket?.resetAndDestroy();
      else response.end();
    });
  };
}

/** One chunk of a chat completion. */
export function chunk(delta: object, rest: { finish?: string; usage?: object | null } = {}): object {
  return {
    id: 'c1',
    object: 'chat.completion.chunk',
    created: 1,
    model: 'test-1',
    choices: [{ index: 0, delta, finish_reason: rest.finish ?? null }],
    ...(rest.usage !== undefined && { usage: rest.usage }),
  };
}

export function usageChunk(usage: object): object {
  return { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'test-1', choices: [], usage };
}
