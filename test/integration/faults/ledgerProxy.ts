/** Stands between a ledger's clients and its database, and lets the way there be slow, or break. */
import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

export interface LedgerProxy {
  readonly url: string;
  /** Milliseconds before each piece the database is sent. */
  delayMs: number;
  /** Break all connections, as a network does. */
  cut(): void;
  close(): Promise<void>;
}

export async function startLedgerProxy(databaseUrl: string): Promise<LedgerProxy> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    upstream.pipe(client);
    void forward(client, upstream);
  });

  async function forward(client: Socket, upstream: Socket): Promise<void> {
    try {
      for await (const piece of client as AsyncIterable<Buffer>) {
        if (proxy.delayMs > 0) await delay(proxy.delayMs);
        upstream.write(piece);
      }
      upstream.end();
    } catch {
      upstream.destroy();
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const cut = (): void => open.forEach((socket) => socket.resetAndDestroy());
  const proxy: LedgerProxy = {
    url: url.toString(),
    delayMs: 0,
    cut,
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return proxy;
}
