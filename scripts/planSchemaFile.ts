import { format, resolveConfig } from 'prettier';
import { planJsonSchema } from '../core/plan/planSchema.js';

/** schemas/plan.v1.json: what editors complete and check a plan by. */
export async function planSchemaFile(): Promise<string> {
  const path = new URL('../schemas/plan.v1.json', import.meta.url).pathname;
  return format(JSON.stringify(planJsonSchema()), { ...(await resolveConfig(path)), parser: 'json' });
}
