import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { defineTool } from '../../core/defineTool.js';
import { documentRefSchema } from '../../core/document.js';
import { SegnoError } from '../../core/errors.js';
import { composeMail, digest, messageIdOf } from './mail/composeMail.js';
import type { Mail } from './mail/composeMail.js';
import { sendSmtp } from './mail/sendSmtp.js';

/** What most mail servers take, before base64 makes it a third larger. */
const maxAttachmentBytes = 18 * 1024 * 1024;

/**
 * Sends a mail through `SMTP_URL` as `MAIL_FROM`; with no `SMTP_URL` it is written as an `.eml` file to `SEGNO_OUTBOX` (default
 * `.segno/outbox`), to be looked at.
 *
 * Not idempotent, as SMTP has no way to be: `Mail.Unavailable` (retryable) means that nothing was sent, `Mail.Rejected` that the
 * server refused, `Tool.OutcomeUnknown` that the message left and no answer came. Every attempt carries the same Message-ID.
 */
export const sendMail = defineTool({
  description: 'Send an e-mail, with documents attached.',
  input: z.object({
    to: z.union([z.email(), z.array(z.email()).min(1).max(50)]).describe('Recipients'),
    subject: z
      .string()
      .min(1)
      .max(300)
      .regex(/^[^\r\n\0]*$/, 'one line')
      .describe('Subject, one line'),
    text: z.string().max(200_000).describe('The message, as plain text'),
    attachments: z.array(documentRefSchema).max(20).default([]).describe('Documents to attach'),
  }),
  output: z.object({
    messageId: z.string(),
    delivery: z.enum(['smtp', 'outbox']).describe('outbox: written to a file, because no mail server is configured'),
    path: z.string().optional().describe('The file in the outbox'),
    rejected: z.array(z.string()).describe('Recipients the server refused while it took the others'),
  }),
  readOnly: false,
  idempotent: false,
  duration: 'long',
  timeoutMs: 120_000,
  async execute({ to, subject, text, attachments }, { documents, idempotencyKey, signal }) {
    const smtpUrl = process.env['SMTP_URL'];
    const from = process.env['MAIL_FROM'] ?? (smtpUrl ? undefined : 'Segno <segno@localhost>');
    if (from === undefined) {
      throw new SegnoError(
        'Config.Invalid',
        'SMTP_URL is set and MAIL_FROM is not. Set it to the address mails come from.',
      );
    }
    if (attachments.reduce((sum, ref) => sum + ref.bytes, 0) > maxAttachmentBytes) {
      throw new SegnoError(
        'Document.TooLarge',
        `The attachments are over ${maxAttachmentBytes / 1_048_576} MB. Send a link instead.`,
      );
    }
    const files: Mail['attachments'][number][] = [];
    for (const ref of attachments) {
      files.push({ name: ref.name ?? 'document', mediaType: ref.mediaType, bytes: await documents.read(ref) });
    }
    const recipients = [to].flat();
    const message = await composeMail(
      { from, to: recipients, subject, text, attachments: files },
      idempotencyKey,
      new Date(),
    );
    const messageId = messageIdOf(idempotencyKey, from);
    if (!smtpUrl)
      return {
        messageId,
        delivery: 'outbox' as const,
        path: await writeToOutbox(message, idempotencyKey),
        rejected: [],
      };
    const sender = /<([^<>]+)>\s*$/.exec(from)?.[1] ?? from;
    const rejected = await sendSmtp(smtpUrl, { from: sender, to: recipients }, message, signal);
    return { messageId, delivery: 'smtp' as const, rejected };
  },
});

/** Named after the call: made again, it writes the same file again. */
async function writeToOutbox(message: Buffer, idempotencyKey: string): Promise<string> {
  const folder = resolve(process.env['SEGNO_OUTBOX'] ?? join('.segno', 'outbox'));
  const path = join(folder, `${digest(idempotencyKey).slice(0, 40)}.eml`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(`${path}.part`, message);
    await rename(`${path}.part`, path);
    return path;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SegnoError('Mail.Unavailable', `The outbox could not be written: ${reason}`, { retryable: true });
  }
}
