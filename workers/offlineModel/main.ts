/**
 * The offline model's process: `node dist/workers/offlineModel/main.js --port 4010`.
 *
 * Prints one line of JSON when it is ready. Ends on SIGTERM, on SIGINT, and when the parent that started it with an IPC
 * channel is gone. The API key comes from SEGNO_OFFLINE_API_KEY, as arguments are there for every user of the machine to see.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { SegnoError } from '../../core/errors.js';
import { chaosOf } from '../chaos/rulesFile.js';
import type { OfflineModelOptions } from './serveModel.js';
import { startOfflineModel } from './server.js';

const usage = `Usage: segno offline-model [--port P] [--host 127.0.0.1] [--faults SPEC] [--seed N] [--latency-ms MS] [--tokens-per-second N]
  segno offline-model --port 4010
  segno offline-model --port 4010 --faults 429:0.1,cut:0.05,seed=7 --latency-ms 800 --tokens-per-second 60`;

const argumentsSchema = z.object({
  port: z.coerce.number().int().min(0).max(65_535).optional(),
  host: z.string().min(1).optional(),
  faults: z.string().optional(),
  seed: z.coerce.number().int().optional(),
  'latency-ms': z.coerce.number().min(0).optional(),
  'tokens-per-second': z.coerce.number().positive().optional(),
  /** Given by the development stack alone: the rules of `segno chaos`. */
  'chaos-file': z.string().min(1).optional(),
});

function readOptions(): OfflineModelOptions {
  const names = Object.keys(argumentsSchema.shape);
  const { values } = parseArgs({
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  });
  const parsed = argumentsSchema.safeParse(values);
  if (!parsed.success) throw new SegnoError('Config.Invalid', z.prettifyError(parsed.error));
  const { 'latency-ms': latencyMs, 'tokens-per-second': tokensPerSecond, port, host, faults, seed } = parsed.data;
  const chaosFile = parsed.data['chaos-file'];
  const apiKey = process.env['SEGNO_OFFLINE_API_KEY'];
  return {
    ...(port === undefined ? {} : { port }),
    ...(host === undefined ? {} : { host }),
    ...(faults === undefined ? {} : { faults }),
    ...(seed === undefined ? {} : { seed }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
    ...(apiKey ? { apiKey } : {}),
    ...(chaosFile === undefined ? {} : { chaos: chaosOf(chaosFile) }),
  };
}

if (process.argv.includes('--help') || process.argv.includes('-h')) {
  process.stdout.write(`${usage}\n`);
  process.exit(0);
}

try {
  const model = await startOfflineModel(readOptions());
  const stop = (): void => void model.close().finally(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.once('disconnect', stop);
  process.stdout.write(`${JSON.stringify({ ready: true, url: model.url })}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}\n`);
  process.exit(2);
}
