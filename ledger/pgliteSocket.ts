/**
 * PGlite behind PostgreSQL's wire protocol: many clients on the one backend it has.
 *
 * `@electric-sql/pglite-socket` takes turns by message. A statement with parameters is five messages, and one that comes
 * in more than one TCP segment is then bound to another client's statement. Here the turn is the whole exchange.
 *
 * Invariants:
 * 1. What a client sends up to its Sync runs in one piece; nobody's message comes between.
 * 2. From BEGIN to the end of the transaction, failed or not, the backend belongs to that client.
 * 3. A client that goes away in a transaction, or is silent in one for too long, is rolled back: the others go on.
 * 4. There is one session. Named statements are kept apart by client, and end with it; settings are everybody's, and
 *    clients use none.
 */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { PGlite } from '@electric-sql/pglite';
import { prefixStatementNames } from './statementNames.js';
import { errorMessage, queryMessage, readExchange, startupReply, WireBuffer } from './wireProtocol.js';

export interface PgliteSocketOptions {
  readonly db: PGlite;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Default 10,000. */
  readonly idleInTransactionMs?: number | undefined;
  /** Default 200. */
  readonly maxConnections?: number | undefined;
  /** The backend itself failed: it cannot be used any more. */
  onFatal(error: unknown): void;
}

export interface PgliteSocket {
  readonly port: number;
  /** Takes no more, lets the statement that runs come to its end, rolls back what is open. */
  close(): Promise<void>;
}

interface Exchange {
  readonly bytes: Uint8Array;
  /** Ends with Flush: the client will go on with the same statement. */
  readonly open: boolean;
}

interface Client {
  readonly socket: Socket;
  readonly inbound: WireBuffer;
  readonly waiting: Exchange[];
  /** Before the names of its prepared statements. */
  readonly prefix: string;
  readonly prepared: Set<string>;
  gone: boolean;
}

export async function servePglite(options: PgliteSocketOptions): Promise<PgliteSocket> {
  const backend = new SharedBackend(options);
  const serverVersion = await readServerVersion(options.db);
  let connections = 0;
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const prefix = `c${(connections += 1)}_`;
    const client: Client = { socket, inbound: new WireBuffer(), waiting: [], prefix, prepared: new Set(), gone: false };
    backend.clients.add(client);
    socket.on('data', (chunk) => receive(client, chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => backend.leave(client));
  });
  server.maxConnections = options.maxConnections ?? 200;

  function receive(client: Client, chunk: Buffer): void {
    // Dismissed, but its side of the connection may still be open.
    if (client.gone) return;
    client.inbound.push(chunk);
    for (;;) {
      const read = readExchange(client.inbound);
      if (read === undefined) return;
      switch (read.kind) {
        case 'encryption':
          client.socket.write('N');
          break;
        case 'startup':
          client.socket.write(startupReply(serverVersion));
          break;
        case 'exchange':
          backend.enqueue(client, { bytes: read.bytes, open: read.open });
          break;
        case 'close':
          client.socket.destroy();
          return;
        case 'invalid':
          backend.dismiss(client, errorMessage('FATAL', '08P01', 'invalid message'));
          return;
      }
    }
  }

  const port = await listen(server, options.host, options.port);
  return {
    port,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await backend.stop();
      await closed;
    },
  };
}

class SharedBackend {
  readonly clients = new Set<Client>();
  private readonly turns: Client[] = [];
  /** Statements of clients that have left. */
  private readonly forgotten: string[] = [];
  private holder: Client | undefined;
  private holderTimer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private stopping = false;

  constructor(private readonly options: PgliteSocketOptions) {}

  enqueue(client: Client, exchange: Exchange): void {
    client.waiting.push(exchange);
    this.turns.push(client);
    this.wake();
  }

  leave(client: Client): void {
    client.gone = true;
    client.waiting.length = 0;
    this.clients.delete(client);
    this.forgotten.push(...client.prepared);
    client.prepared.clear();
    this.wake();
  }

  /** The connection ends with the reason, whether or not the client ends its side; what it had open is rolled back. */
  dismiss(client: Client, reason: Buffer): void {
    client.socket.end(reason);
    client.socket.destroySoon();
    this.leave(client);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    for (const client of this.clients) client.socket.destroy();
    this.clients.clear();
    await this.running;
    if (this.holder) await this.execute(queryMessage('rollback'), () => undefined);
    clearTimeout(this.holderTimer);
  }

  private wake(): void {
    if (this.running || this.stopping) return;
    this.running = this.work()
      .catch((error: unknown) => {
        this.stopping = true;
        this.options.onFatal(error);
      })
      .finally(() => {
        this.running = undefined;
      });
  }

  private async work(): Promise<void> {
    while (!this.stopping) {
      if (this.holder?.gone) await this.rollBackHolder();
      if (!this.holder) await this.forgetStatements();
      const client = this.nextClient();
      const exchange = client?.waiting.shift();
      if (!client || !exchange) return;
      clearTimeout(this.holderTimer);
      const { bytes, prepared } = prefixStatementNames(exchange.bytes, client.prefix);
      for (const name of prepared) client.prepared.add(name);
      await this.execute(bytes, (data) => {
        // PGlite reuses its buffer for the next answer.
        if (!client.gone && client.socket.writable) client.socket.write(Buffer.from(data));
      });
      this.holder = exchange.open || this.options.db.isInTransaction() ? client : undefined;
      if (this.holder) this.watchHolder(this.holder);
    }
  }

  /** One entry in `turns` an exchange; entries of clients that have left or were served as holders are skipped. */
  private nextClient(): Client | undefined {
    if (this.holder) {
      if (this.holder.waiting.length === 0) return undefined;
      this.turns.splice(this.turns.indexOf(this.holder), 1);
      return this.holder;
    }
    for (;;) {
      const client = this.turns.shift();
      if (!client || client.waiting.length > 0) return client;
    }
  }

  private watchHolder(client: Client): void {
    this.holderTimer = setTimeout(() => {
      const reason = 'terminating connection due to idle-in-transaction timeout';
      this.dismiss(client, errorMessage('FATAL', '25P03', reason));
    }, this.options.idleInTransactionMs ?? 10_000);
    this.holderTimer.unref();
  }

  private async rollBackHolder(): Promise<void> {
    clearTimeout(this.holderTimer);
    // Sync first: the client may have gone between Flush and Sync, and an error in between makes the backend skip.
    await this.execute(Buffer.from([0x53, 0, 0, 0, 4]), () => undefined);
    if (this.options.db.isInTransaction()) await this.execute(queryMessage('rollback'), () => undefined);
    this.holder = undefined;
  }

  /** Outside of transactions only: a name that was never prepared, because its Parse failed, would end one. */
  private async forgetStatements(): Promise<void> {
    for (let name = this.forgotten.pop(); name !== undefined; name = this.forgotten.pop()) {
      await this.execute(queryMessage(`deallocate "${name.replaceAll('"', '""')}"`), () => undefined);
    }
  }

  private async execute(bytes: Uint8Array, onRawData: (data: Uint8Array) => void): Promise<void> {
    const { db } = this.options;
    await db.runExclusive(() => db.execProtocolRawStream(bytes, { onRawData }));
  }
}

async function readServerVersion(db: PGlite): Promise<string> {
  const { rows } = await db.query<{ server_version: string }>('show server_version');
  return rows[0]?.server_version ?? '18';
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
