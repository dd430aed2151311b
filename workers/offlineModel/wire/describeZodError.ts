import type { z } from 'zod';
import { wireError } from './wireError.js';
import type { WireError } from './wireError.js';

type Issue = z.core.$ZodIssue;

/** The 400 for a body of the wrong shape; its `param` is the first wrong place, written as OpenAI does: `messages[0].content`. */
export function describeZodError(error: z.ZodError): WireError {
  const { issue, path } = deepest(error.issues[0]!, []);
  if (issue.code === 'unrecognized_keys') {
    const param = writePath([...path, issue.keys[0]!]);
    return wireError(400, `Unknown parameter: '${param}'.`, { param, code: 'unknown_parameter' });
  }
  if (path.length === 0) return wireError(400, `Invalid request body: ${issue.message}.`);
  const param = writePath(path);
  if (issue.message.includes('received undefined')) {
    return wireError(400, `Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' });
  }
  return wireError(400, `Invalid value for '${param}': ${issue.message}.`, { param, code: 'invalid_value' });
}

/** Into the branch of a union that got furthest: its complaint is the one that helps. */
function deepest(issue: Issue, above: readonly PropertyKey[]): { issue: Issue; path: readonly PropertyKey[] } {
  const path = [...above, ...issue.path];
  if (issue.code !== 'invalid_union') return { issue, path };
  const branches = issue.errors.flatMap((issues) => (issues[0] ? [deepest(issues[0], path)] : []));
  return branches.reduce((best, branch) => (branch.path.length > best.path.length ? branch : best), { issue, path });
}

function writePath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}
