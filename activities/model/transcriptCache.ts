import type { Message } from './messages.js';

/** Transcripts over this many characters are read from the ledger every time. */
const largestCachedChars = 4_000_000;

/**
 * Transcripts this worker has just used, by head hash. A hash names one content for ever, so what is here is never stale;
 * what is not here is in the ledger.
 */
export class TranscriptCache {
  private readonly byHead = new Map<string, { messages: readonly Message[]; chars: number }>();
  private chars = 0;

  constructor(private readonly capacityChars = 32_000_000) {}

  get(tenant: string, head: string): readonly Message[] | undefined {
    return this.byHead.get(`${tenant}/${head}`)?.messages;
  }

  put(tenant: string, head: string, messages: readonly Message[], chars: number): void {
    const key = `${tenant}/${head}`;
    if (chars > largestCachedChars || this.byHead.has(key)) return;
    this.byHead.set(key, { messages, chars });
    this.chars += chars;
    for (const [oldest, entry] of this.byHead) {
      if (this.chars <= this.capacityChars) break;
      this.byHead.delete(oldest);
      this.chars -= entry.chars;
    }
  }
}
