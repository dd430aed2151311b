import type { z } from 'zod';
import type { RunContext } from '../core/contracts.js';
import { SegnoError } from '../core/errors.js';
import { describeIssues } from '../core/schema.js';
import { getBlob } from '../ledger/index.js';
import type { ActivityDependencies } from './dependencies.js';

/**
 * The run's dependencies, checked against what an agent or a tool declares; undefined when it declares none.
 *
 * @throws SegnoError `Deps.Missing`, `Deps.Invalid`
 */
export async function loadDeps(
  { ledger }: Pick<ActivityDependencies, 'ledger'>,
  ctx: RunContext | undefined,
  schema: z.ZodType | undefined,
  who: string,
): Promise<unknown> {
  if (!schema) return undefined;
  if (ctx?.deps === undefined) {
    throw new SegnoError('Deps.Missing', `${who} needs dependencies, and the run was started without any`);
  }
  const blob = await getBlob(ledger, { tenant: ctx.tenant ?? 'default', sha256: ctx.deps });
  const parsed = schema.safeParse(JSON.parse(Buffer.from(blob.bytes).toString('utf8')));
  if (!parsed.success) throw new SegnoError('Deps.Invalid', `${who}: ${describeIssues(parsed.error)}`);
  return parsed.data;
}
