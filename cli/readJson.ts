import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { SegnoError } from '../core/errors.js';

/**
 * JSON given on the command line: itself, the name of a file that holds it, or `-` for standard input.
 *
 * @param option what it was given to, for messages
 */
export async function readJson(source: string, option: string): Promise<unknown> {
  const direct = parse(source);
  if (direct) return direct.value;
  let content: string;
  try {
    content = source === '-' ? await text(process.stdin) : await readFile(source, 'utf8');
  } catch {
    throw new SegnoError('Run.InvalidInput', `${option}: ${source} is neither JSON nor a file that can be read`);
  }
  const parsed = parse(content);
  if (!parsed)
    throw new SegnoError('Run.InvalidInput', `${option}: ${source === '-' ? 'standard input' : source} holds no JSON`);
  return parsed.value;
}

function parse(json: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(json) as unknown };
  } catch {
    return undefined;
  }
}
