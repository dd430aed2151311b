/**
 * One message over SMTP, with what is known about it when something goes wrong.
 *
 * Invariants:
 * 1. `retryable` only when the server cannot have the message: it was refused, or not one byte of it was sent.
 * 2. Sent without an answer is `Tool.OutcomeUnknown`.
 * 3. Neither the URL nor its user and password appear in an error.
 */
import { Readable } from 'node:stream';
import { parseConnectionUrl } from 'nodemailer/lib/shared';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { SegnoError } from '../../../core/errors.js';

export interface Envelope {
  readonly from: string;
  readonly to: readonly string[];
}

const waitLimitMs = 30_000;

/** @returns the recipients the server refused while it took the others */
export async function sendSmtp(
  url: string,
  envelope: Envelope,
  message: Buffer,
  signal: AbortSignal,
): Promise<string[]> {
  signal.throwIfAborted();
  const options = smtpOptions(url);
  const connection = new SMTPConnection({
    ...options,
    connectionTimeout: waitLimitMs,
    greetingTimeout: waitLimitMs,
    socketTimeout: waitLimitMs,
  });
  let started = false;
  const body = new Readable({
    read() {
      started = true;
      this.push(message);
      this.push(null);
    },
  });
  const abort = (): void => connection.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    const { auth } = options;
    return await new Promise<string[]>((resolve, reject) => {
      connection.on('error', reject);
      connection.on('end', () => reject(new Error('The connection was closed.')));
      connection.connect((error) => {
        if (error) return reject(error);
        const send = (): void =>
          connection.send({ from: envelope.from, to: [...envelope.to] }, body, (failure, info) => {
            if (failure) reject(failure);
            else resolve((info?.rejected ?? []).map(String));
          });
        if (!auth) return send();
        connection.login(auth, (failure) => (failure ? reject(failure) : send()));
      });
    });
  } catch (error) {
    if (signal.aborted && !started) signal.throwIfAborted();
    throw classify(error, started, [url, ...secretsOf(url)]);
  } finally {
    signal.removeEventListener('abort', abort);
    connection.quit();
    connection.close();
    body.destroy();
  }
}

type SmtpOptions = ReturnType<typeof parseConnectionUrl>;

function smtpOptions(url: string): SmtpOptions & { auth?: { user: string; pass: string } } {
  if (!/^smtps?:\/\/[^\s/]+/.test(url) || !URL.canParse(url)) {
    throw new SegnoError(
      'Config.Invalid',
      'SMTP_URL is no SMTP address. It looks like smtps://user:password@mail.example.com:465.',
    );
  }
  const { auth, ...options } = parseConnectionUrl(url) as SmtpOptions & { auth?: { user?: string; pass?: string } };
  return { ...options, ...(auth?.user ? { auth: { user: auth.user, pass: auth.pass ?? '' } } : {}) };
}

function classify(error: unknown, started: boolean, secrets: readonly string[]): SegnoError {
  const { responseCode, response, message, code } = error as {
    responseCode?: number;
    response?: unknown;
    message?: string;
    code?: string;
  };
  const said = redact(
    typeof response === 'string' && response !== '' ? response : (message ?? 'no reason given'),
    secrets,
  );
  const details = { ...(code !== undefined && { code }), ...(responseCode !== undefined && { responseCode }) };
  if (responseCode !== undefined && responseCode >= 500) {
    return new SegnoError('Mail.Rejected', `The mail server refused the message: ${said}`, { details });
  }
  if (responseCode !== undefined && responseCode >= 400) {
    return new SegnoError('Mail.Unavailable', `The mail server is busy: ${said}`, { retryable: true, details });
  }
  if (started) {
    return new SegnoError(
      'Tool.OutcomeUnknown',
      `The message was sent and the mail server did not answer: ${said}. Check whether it arrived before sending it again.`,
      { details },
    );
  }
  return new SegnoError('Mail.Unavailable', `The mail server could not be reached: ${said}`, {
    retryable: true,
    details,
  });
}

function secretsOf(url: string): string[] {
  const { username, password } = new URL(url);
  return [username, password].flatMap((secret) => {
    const plain = decodeOr(secret);
    return [secret, plain, Buffer.from(plain).toString('base64')].filter((text) => text.length > 2);
  });
}

function decodeOr(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function redact(text: string, secrets: readonly string[]): string {
  return secrets
    .reduce((clean, secret) => clean.replaceAll(secret, '…'), text)
    .replace(/\s+/g, ' ')
    .slice(0, 300);
}
