/**
 * Fetches the official archive and unpacks it.
 *
 * Invariant: nothing from the network is unpacked or run before its SHA-256 is the published one.
 */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { runProgram } from './runProgram.js';
import type { TemporalDownload } from './temporalRelease.js';

/** A machine without the network shall notice soon; there are other ways to a binary. */
const answerTimeoutMs = 5_000;
const silenceTimeoutMs = 30_000;

export interface DownloadOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal | undefined;
  readonly onBytes?: (bytes: number, totalBytes: number | undefined) => void;
}

/** @returns the path of the unpacked, not yet tried binary inside `folder`; throws with what went wrong */
export async function downloadTemporal(
  download: TemporalDownload,
  folder: string,
  options: DownloadOptions,
): Promise<string> {
  const archive = join(folder, 'temporal.tar.gz');
  const sha256 = await fetchTo(download.url, archive, options);
  if (sha256 !== download.sha256) {
    throw new Error(`the archive's SHA-256 is ${sha256} instead of the published ${download.sha256}`);
  }
  const unpacked = await runProgram('tar', ['-xzf', archive, '-C', folder, 'temporal'], {
    env: options.env,
    signal: options.signal,
  });
  if (unpacked.exitCode !== 0) throw new Error(`tar could not unpack the archive: ${unpacked.stderr.trim()}`);
  return join(folder, 'temporal');
}

async function fetchTo(url: string, file: string, options: DownloadOptions): Promise<string> {
  const stalled = new AbortController();
  let timer = setTimeout(() => stalled.abort(new Error('no answer in 5 s')), answerTimeoutMs);
  const signals = options.signal ? [stalled.signal, options.signal] : [stalled.signal];
  try {
    const response = await fetch(url, { signal: AbortSignal.any(signals) });
    if (!response.ok || !response.body) throw new Error(`HTTP ${response.status}`);
    const total = Number(response.headers.get('content-length')) || undefined;
    const hash = createHash('sha256');
    const out = createWriteStream(file, { mode: 0o600 });
    let bytes = 0;
    try {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        clearTimeout(timer);
        timer = setTimeout(() => stalled.abort(new Error('the download stood still for 30 s')), silenceTimeoutMs);
        hash.update(chunk);
        bytes += chunk.byteLength;
        if (!out.write(chunk)) await once(out, 'drain');
        options.onBytes?.(bytes, total);
      }
    } finally {
      out.end();
      await once(out, 'close');
    }
    if (total !== undefined && bytes !== total) throw new Error(`got ${bytes} of ${total} bytes`);
    return hash.digest('hex');
  } finally {
    clearTimeout(timer);
  }
}
