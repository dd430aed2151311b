import { readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { text } from 'node:stream/consumers';
import type { SegnoClient } from '../client/index.js';
import { SegnoError } from '../core/errors.js';
import { maxBlobBytes } from '../ledger/index.js';

const mediaTypes: Record<string, string> = {
  '.pdf': 'application/pdf',
  '.txt': 'text/plain',
  '.md': 'text/markdown',
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.json': 'application/json',
};

/** One `--input`: JSON that is (part of) the workflow's input, or a file that becomes a document in a field of it. */
export type InputPart = { json: unknown } | { field: string; path: string };

/**
 * `{"a":1}` or `[…]` or `-` (standard input) or `x.json` is JSON; `report.pdf` is the document in the field `document`;
 * `contract=report.pdf` is the document in the field `contract`.
 *
 * @throws SegnoError `Run.InvalidInput`
 */
export async function parseInput(argument: string, stdin: NodeJS.ReadableStream = process.stdin): Promise<InputPart> {
  if (argument === '-') return { json: parseJson(await text(stdin), 'standard input') };
  if (/^\s*[[{"]/.test(argument)) return { json: parseJson(argument, '--input') };
  const named = /^([A-Za-z_]\w*)=(.+)$/.exec(argument);
  const path = named?.[2] ?? argument;
  if (!named && extname(path) === '.json') return { json: parseJson(await readInput(path, 'utf8'), path) };
  await readable(path);
  return { field: named?.[1] ?? 'document', path };
}

/** The workflow's input out of all parts; files are stored in the ledger as documents of the run. */
export async function storeInput(
  client: Pick<SegnoClient, 'putDocument'>,
  parts: readonly InputPart[],
  runId: string,
): Promise<unknown> {
  if (parts.length === 1 && 'json' in parts[0]!) return parts[0].json;
  const input: Record<string, unknown> = {};
  for (const part of parts) {
    if ('json' in part) {
      if (typeof part.json !== 'object' || part.json === null || Array.isArray(part.json)) {
        throw new SegnoError(
          'Run.InvalidInput',
          'several --input are put together into one object, so JSON among them must be an object',
        );
      }
      Object.assign(input, part.json);
      continue;
    }
    const bytes = await readInput(part.path);
    const mediaType = mediaTypes[extname(part.path).toLowerCase()] ?? 'application/octet-stream';
    input[part.field] = await client.putDocument(bytes, mediaType, { runId, name: basename(part.path) });
  }
  return input;
}

async function readable(path: string): Promise<void> {
  try {
    const { size } = await stat(path);
    if (size > maxBlobBytes) {
      throw new SegnoError('Document.TooLarge', `${path} has ${size} bytes; at most ${maxBlobBytes} are taken`);
    }
  } catch (error) {
    if (error instanceof SegnoError) throw error;
    throw new SegnoError('Run.InvalidInput', `--input: there is no readable file ${path}`, { cause: error });
  }
}

async function readInput(path: string): Promise<Uint8Array>;
async function readInput(path: string, encoding: 'utf8'): Promise<string>;
async function readInput(path: string, encoding?: 'utf8'): Promise<Uint8Array | string> {
  try {
    return await readFile(path, encoding);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new SegnoError('Run.InvalidInput', `--input: ${path} cannot be read (${reason})`, { cause: error });
  }
}

function parseJson(source: string, where: string): unknown {
  try {
    return JSON.parse(source);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SegnoError('Run.InvalidInput', `${where} is not JSON: ${reason}`);
  }
}
