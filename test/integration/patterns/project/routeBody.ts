import { type Classification, proxyTools, route } from '../../../../workflows/index.js';
import type { Spec } from './spec.js';

const { note } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

/** The `route` of a composition; its fallback notes why it was taken. */
export function runRoute(
  { input, rules, classify, minConfidence, routes, fallback, onFailure, timeout }: Extract<Spec, { do: 'route' }>,
  name: string,
  runSpec: (name: string, spec: Spec) => Promise<unknown>,
): Promise<unknown> {
  return route(input, {
    routes: Object.fromEntries(Object.entries(routes).map(([key, spec]) => [key, () => runSpec(name, spec)])),
    fallback: async (_, why) => {
      await note({ case: name, text: `unclear: ${why.reason}` });
      return runSpec(name, fallback);
    },
    ...(rules && { rules }),
    ...(classify && { classify: async () => (await runSpec(name, classify)) as Classification }),
    ...(minConfidence !== undefined && { minConfidence }),
    ...(onFailure && { onFailure }),
    ...(timeout !== undefined && { timeout }),
  });
}
