import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PgliteSocket, servePglite } from '../../ledger/pgliteSocket.js';
import { queryMessage } from '../../ledger/wireProtocol.js';

const startup = Buffer.from([0, 0, 0, 9, 0, 3, 0, 0, 0]);
/** Its length is shorter than the length itself. */
const invalid = Buffer.from([0x42, 0, 0, 0, 1]);
const startTimeoutMs = 60_000;

describe('a client that sends an invalid message and keeps its side open', () => {
  let db: PGlite;
  let server: PgliteSocket;
  beforeAll(async () => {
    db = await PGlite.create();
    const idleInTransactionMs = 3_600_000;
    server = await servePglite({ db, host: '127.0.0.1', port: 0, idleInTransactionMs, onFatal: () => undefined });
  }, startTimeoutMs);
  afterAll(async () => {
    await server.close();
    await db.close();
  });

  const aClient = async (): Promise<Socket> => {
    const socket = connect({ port: server.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setEncoding('latin1').on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  const answerTo = async (socket: Socket, bytes: Uint8Array): Promise<string> => {
    const answered = once(socket, 'data');
    socket.write(bytes);
    return String((await answered)[0]);
  };

  it('is told so, and its transaction holds up nobody', async () => {
    const other = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' });
    await other.connect();
    await other.query('create table kept (id int)');
    const client = await aClient();
    await answerTo(client, startup);
    await answerTo(client, queryMessage('begin; insert into kept values (1)'));
    expect(await answerTo(client, invalid)).toContain('invalid message');
    const { rows } = await other.query('select count(*)::int as count from kept');
    expect(rows).toEqual([{ count: 0 }]);
    await other.end();
    client.destroy();
  });

  it('is not listened to any more, whatever it had asked for before', async () => {
    const other = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' });
    await other.connect();
    await other.query('create table late (id int)');
    const client = await aClient();
    await answerTo(client, startup);
    const told = answerTo(client, Buffer.concat([queryMessage('begin'), invalid]));
    expect(await told).toContain('invalid message');
    client.write(queryMessage('insert into late values (1)'));
    client.write(queryMessage('commit'));
    const { rows } = await other.query('select count(*)::int as count from late');
    expect(rows).toEqual([{ count: 0 }]);
    await other.end();
    client.destroy();
  });
});
