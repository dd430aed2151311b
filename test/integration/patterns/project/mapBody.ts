import { mapReduce, proxyTools } from '../../../../workflows/index.js';
import type { Spec } from './spec.js';

const { note } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

/** The `map` of a composition. */
export async function runMap(
  { texts, body, reducing, onFailure = 'fail', ...options }: Extract<Spec, { do: 'map' }>,
  name: string,
  runSpec: (name: string, spec: Spec) => Promise<unknown>,
): Promise<unknown> {
  const given = {
    items: texts.map((text) => ({ case: name, text })),
    map: body ? async () => String(await runSpec(name, body)) : note,
    reduce: async (parts: string[]) => {
      if (reducing) await runSpec(name, reducing);
      return parts.join('+');
    },
    fanIn: 2,
    ...(options.timeout !== undefined && { timeout: options.timeout }),
  };
  return onFailure === 'continue' ? mapReduce({ ...given, onFailure }) : mapReduce({ ...given, onFailure });
}
