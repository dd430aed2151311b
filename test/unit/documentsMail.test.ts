import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SMTPServer } from 'smtp-server';
import type { SMTPServerOptions } from 'smtp-server';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DocumentRef } from '../../core/document.js';
import type { SegnoError } from '../../core/errors.js';
import { sendMail } from '../../activities/tools/index.js';
import { MemoryStore, toolContext } from '../fixtures/documents/memoryStore.js';

const password = 'sw0rdfish-secret';
const closers: (() => Promise<unknown>)[] = [];
let outbox = '';

beforeEach(async () => {
  outbox = await mkdtemp(join(tmpdir(), 'segno-outbox-'));
  vi.stubEnv('SEGNO_OUTBOX', outbox);
  vi.stubEnv('SMTP_URL', undefined);
  vi.stubEnv('MAIL_FROM', undefined);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(closers.splice(0).map((close) => close()));
  await rm(outbox, { recursive: true, force: true });
});

const store = new MemoryStore();
const mail = (more: { attachments?: DocumentRef[]; to?: string | string[] } = {}) => ({
  to: 'investor@example.com',
  subject: 'Investor summary – ₹',
  text: 'See the attachment.',
  attachments: [],
  ...more,
});
const send = (input: ReturnType<typeof mail>, idempotencyKey = 'run-1/mail') =>
  sendMail.execute(input, toolContext(store, { idempotencyKey }));
const failureOf = async (sending: unknown): Promise<SegnoError> =>
  Promise.resolve(sending).then(
    () => Promise.reject(new Error('it was sent')),
    (error: SegnoError) => error,
  );
const refusal = (responseCode: number, message: string): Error => Object.assign(new Error(message), { responseCode });

/** A real SMTP server on a free port; SMTP_URL and MAIL_FROM point at it. */
async function smtp(options: SMTPServerOptions = {}): Promise<string[]> {
  const received: string[] = [];
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    authOptional: true,
    onAuth: (auth, _session, done) =>
      auth.password === password ? done(null, { user: 'u' }) : done(refusal(535, `no ${auth.password} here`)),
    onData: (stream, _session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        received.push(Buffer.concat(chunks).toString());
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise<void>((resolve) => server.close(resolve)));
  listenAt((server.server.address() as AddressInfo).port, `segno:${password}@`);
  return received;
}

function listenAt(port: number, user = ''): void {
  vi.stubEnv('SMTP_URL', `smtp://${user}127.0.0.1:${port}`);
  vi.stubEnv('MAIL_FROM', 'Segno Reports <reports@example.org>');
}

describe('sendMail without a mail server', () => {
  it('writes the message to the outbox, once for one call', async () => {
    const attachment = await store.write(
      new Uint8Array(Buffer.from('%PDF-1.7 hello')),
      'application/pdf',
      'summary.pdf',
    );
    const first = await send(mail({ attachments: [attachment] }));
    const second = await send(mail({ attachments: [attachment] }));
    expect(first).toMatchObject({ delivery: 'outbox', rejected: [] });
    expect(second).toEqual(first);
    expect(await readdir(outbox)).toHaveLength(1);
    const eml = await readFile(first.path ?? '', 'utf8');
    expect(eml).toContain(`Message-ID: ${first.messageId}`);
    expect(eml).toContain('To: investor@example.com');
    expect(eml).toContain('filename=summary.pdf');
    expect(eml).toContain(Buffer.from('%PDF-1.7 hello').toString('base64'));
    await send(mail(), 'run-2/mail');
    expect(await readdir(outbox)).toHaveLength(2);
  });

  it('says that nothing was sent when the outbox cannot be written', async () => {
    await writeFile(join(outbox, 'file'), '');
    vi.stubEnv('SEGNO_OUTBOX', join(outbox, 'file', 'below'));
    expect(await failureOf(send(mail()))).toMatchObject({ type: 'Mail.Unavailable', retryable: true });
  });

  it.each([
    ['a subject of two lines', { subject: 'Hi\r\nBcc: all@example.com' }],
    ['a recipient with a line break', { to: 'a@example.com\r\nBcc: all@example.com' }],
    ['two recipients in one', { to: 'a@example.com, b@example.com' }],
    ['no recipient', { to: [] }],
  ])('refuses %s', (_, part) => {
    expect(sendMail.input.safeParse({ ...mail(), ...part }).success).toBe(false);
  });

  it('takes no header and no path from an attachment’s name or type', async () => {
    const attachment = await store.write(
      new Uint8Array([1]),
      'text/plain\r\nX-Evil: type',
      '../../etc/pass\r\nX-Evil: name',
    );
    const { path } = await send(mail({ attachments: [attachment] }));
    const eml = await readFile(path ?? '', 'utf8');
    expect(eml).not.toMatch(/^X-Evil/m);
    expect(eml).not.toContain('..');
  });
});

describe('sendMail through SMTP', () => {
  it('delivers with a Message-ID that belongs to the call, not to the attempt', async () => {
    const received = await smtp();
    const first = await send(mail());
    const second = await send(mail());
    expect(first).toMatchObject({ delivery: 'smtp', rejected: [] });
    expect(first.messageId).toMatch(/@example\.org>$/);
    expect(second.messageId).toBe(first.messageId);
    expect(received[0]).toContain(`Message-ID: ${first.messageId}`);
    expect(await readdir(outbox)).toEqual([]);
  });

  it('reports the recipients refused while others were taken', async () => {
    await smtp({
      onRcptTo: ({ address }, _session, done) =>
        address.startsWith('bad') ? done(refusal(550, 'no such user')) : done(),
    });
    expect(await send(mail({ to: ['good@example.com', 'bad@example.com'] }))).toMatchObject({
      rejected: ['bad@example.com'],
    });
  });

  it.each([
    [
      '550 to the recipient',
      { onRcptTo: (_a, _s, done) => done(refusal(550, 'no such user')) },
      'Mail.Rejected',
      false,
    ],
    [
      '450 to the recipient',
      { onRcptTo: (_a, _s, done) => done(refusal(450, 'come back later')) },
      'Mail.Unavailable',
      true,
    ],
    ['421 to the sender', { onMailFrom: (_a, _s, done) => done(refusal(421, 'too busy')) }, 'Mail.Unavailable', true],
    [
      'a refused password',
      { onAuth: (_a, _s, done) => done(refusal(535, `wrong: ${password}`)) },
      'Mail.Rejected',
      false,
    ],
    [
      '552 after the message',
      { onData: (stream, _s, done) => stream.resume().on('end', () => done(refusal(552, 'too big'))) },
      'Mail.Rejected',
      false,
    ],
    [
      '452 after the message',
      { onData: (stream, _s, done) => stream.resume().on('end', () => done(refusal(452, 'disk full'))) },
      'Mail.Unavailable',
      true,
    ],
  ] satisfies [string, SMTPServerOptions, string, boolean][])(
    'takes %s for what it is',
    async (_, options, type, retryable) => {
      await smtp(options);
      const failure = await failureOf(send(mail()));
      expect(failure).toMatchObject({ type, retryable });
      expect(`${failure.message} ${JSON.stringify(failure.details)} ${String(failure.cause)}`).not.toContain(password);
    },
  );

  it('may be tried again when nobody listens', async () => {
    listenAt(await closedPort());
    expect(await failureOf(send(mail()))).toMatchObject({ type: 'Mail.Unavailable', retryable: true });
  });

  it('leaves the outcome open when the connection breaks after the message was sent', async () => {
    await smtp({
      onData: (stream, session, done) => {
        stream.resume().on('end', () => sockets.forEach((socket) => socket.destroy()));
        void session;
        void done;
      },
    });
    const sockets = await proxied();
    expect(await failureOf(send(mail()))).toMatchObject({ type: 'Tool.OutcomeUnknown', retryable: false });
  });

  it.each(['not a url', 'http://127.0.0.1:25', `smtp://user:${password}@`])(
    'refuses the address %s without repeating it',
    async (url) => {
      vi.stubEnv('SMTP_URL', url);
      vi.stubEnv('MAIL_FROM', 'reports@example.org');
      const failure = await failureOf(send(mail()));
      expect(failure.type).toBe('Config.Invalid');
      expect(failure.message).not.toContain(password);
    },
  );

  it('asks for MAIL_FROM when only SMTP_URL is set', async () => {
    vi.stubEnv('SMTP_URL', 'smtp://127.0.0.1:2525');
    expect(await failureOf(send(mail()))).toMatchObject({ type: 'Config.Invalid' });
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Put a TCP relay before the SMTP server whose client sockets can be cut. */
async function proxied(): Promise<Set<{ destroy(): unknown }>> {
  const { connect } = await import('node:net');
  const target = Number(new URL(process.env['SMTP_URL'] ?? '').port);
  const sockets = new Set<{ destroy(): unknown }>();
  const relay = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    for (const socket of [client, server]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
    }
    client.pipe(server);
    server.pipe(client);
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  closers.push(() => new Promise((resolve) => relay.close(resolve)));
  listenAt((relay.address() as AddressInfo).port);
  return sockets;
}
