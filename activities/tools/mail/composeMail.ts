import { createHash } from 'node:crypto';
import MailComposer from 'nodemailer/lib/mail-composer';

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly text: string;
  readonly attachments: readonly { readonly name: string; readonly mediaType: string; readonly bytes: Uint8Array }[];
}

/** The same for every attempt of one call, so that a mail server or a reader can drop a duplicate. */
export function messageIdOf(idempotencyKey: string, from: string): string {
  const domain = /@([A-Za-z0-9.-]+)>?\s*$/.exec(from)?.[1] ?? 'segno.invalid';
  return `<${digest(idempotencyKey).slice(0, 40)}@${domain}>`;
}

/** @returns the message as it goes over the wire (RFC 5322), the same bytes for the same mail, key and time */
export async function composeMail(mail: Mail, idempotencyKey: string, date: Date): Promise<Buffer> {
  const message = new MailComposer({
    from: mail.from,
    to: [...mail.to],
    subject: mail.subject,
    text: mail.text,
    date,
    messageId: messageIdOf(idempotencyKey, mail.from),
    baseBoundary: digest(idempotencyKey).slice(0, 24),
    attachments: mail.attachments.map(({ name, mediaType, bytes }) => ({
      filename: safeName(name),
      contentType: /^[\w.+-]+\/[\w.+-]+$/.test(mediaType) ? mediaType : 'application/octet-stream',
      content: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    })),
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  return message.build();
}

export function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Names come from wherever the document did: no paths, no control characters. */
function safeName(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const clean = last.replace(/[\p{Cc}\p{Cf}"<>|:*?]/gu, '').trim();
  return clean === '' || /^\.+$/.test(clean) ? 'document' : clean.slice(0, 120);
}
