/**
 * An HTTP server that speaks OpenAI's chat completions and asks a {@link Brain} what to say.
 *
 * Invariants:
 * 1. A brain sees well-formed requests only, each once, with an ordinal that counts them in order of arrival.
 * 2. Nothing outlives `close()`: open connections are destroyed, waits are cut short.
 * 3. The API key is compared, never echoed, recorded or passed on.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { SegnoError } from '../../../core/errors.js';
import { createAccessCheck } from './accessCheck.js';
import { createCompletions } from './completions.js';
import type { Completions } from './completions.js';
import type { Brain } from './reply.js';
import { StatsKeeper } from './stats.js';
import type { WireStats } from './stats.js';
import { unknownModel, wireError } from './wireError.js';
import type { WireError } from './wireError.js';
import type { WireOptions } from './wireOptions.js';

export interface WireServer {
  /** What a client takes as its `baseURL`: it ends in `/v1`. */
  readonly url: string;
  readonly port: number;
  readonly stats: StatsKeeper;
  close(): Promise<void>;
}

type App = Hono<{ Bindings: HttpBindings }>;

/** @throws SegnoError `Config.Invalid` when the port is taken or the host is none of this machine's */
export async function serveWire(brain: Brain, options: WireOptions = {}): Promise<WireServer> {
  const host = options.host ?? '127.0.0.1';
  const stats = new StatsKeeper();
  const completions = createCompletions(brain, options, stats);
  const app = createApp(completions, options, stats);
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false, autoCleanupIncoming: false });
  const server = createServer((incoming, outgoing) => {
    outgoing.setHeader('x-request-id', `req_${randomUUID().replaceAll('-', '')}`);
    void listener(incoming, outgoing);
  });
  const port = await listen(server, options.port ?? 0, host);
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}/v1`,
    port,
    stats,
    close: () => closeServer(server, completions),
  };
}

function createApp(completions: Completions, options: WireOptions, stats: StatsKeeper): App {
  const app: App = new Hono();
  const mayPass = createAccessCheck(options.apiKey);
  const startedAt = Math.floor(Date.now() / 1_000);
  const toModel = (id: string) => ({ id, object: 'model', created: startedAt, owned_by: 'segno' });

  app.use(async (context, next) => {
    if (context.req.path !== '/healthz' && !mayPass(context.req.header('authorization'))) {
      return respond(wireError(401, 'The API key is missing or wrong.', { code: 'invalid_api_key' }));
    }
    return next();
  });
  app.get('/healthz', (context) => context.json({ ok: true }));
  app.get('/stats', (context) => context.json<WireStats>(stats.read()));
  app.get('/v1/models', (context) => context.json({ object: 'list', data: (options.models ?? []).map(toModel) }));
  app.get('/v1/models/:id', (context) => {
    const id = context.req.param('id');
    return options.models?.includes(id) === false ? respond(unknownModel(id)) : context.json(toModel(id));
  });
  app.post('/v1/chat/completions', async (context) => {
    await completions.handle(context.env.incoming, context.env.outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  app.notFound((context) =>
    respond(wireError(404, `Unknown request URL: ${context.req.method} ${context.req.path}.`, { code: 'unknown_url' })),
  );
  app.onError((error) => respond(wireError(500, `The server failed: ${error.message}`)));
  return app;
}

function respond({ status, headers, body }: WireError): Response {
  return Response.json(body, { status, headers });
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new SegnoError('Config.Invalid', describeListenError(cause, host, port), { cause })),
    );
    server.listen(port, host, resolve);
  });
  return (server.address() as AddressInfo).port;
}

function describeListenError(error: NodeJS.ErrnoException, host: string, port: number): string {
  if (error.code === 'EADDRINUSE') return `Port ${port} of ${host} is in use. Choose another, or 0 for a free one.`;
  return `The offline model cannot listen on ${host}:${port}: ${error.message}`;
}

async function closeServer(server: Server, completions: Completions): Promise<void> {
  completions.abort();
  if (!server.listening) return;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
