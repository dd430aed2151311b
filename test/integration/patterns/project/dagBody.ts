import { dag, type DagStep, fail, proxyTools } from '../../../../workflows/index.js';
import type { Spec } from './spec.js';

const { note } = proxyTools<typeof import('./tools.js')>({ timeout: '1m' });

type RunSpec = (name: string, spec: Spec) => Promise<unknown>;

/** The `dag` of a composition. */
export function runDag(
  { steps, onFailure, concurrency, timeout, done }: Extract<Spec, { do: 'dag' }>,
  name: string,
  runSpec: RunSpec,
): Promise<unknown> {
  const bodies = Object.fromEntries(
    Object.entries(steps).map(([step, { body, fails = 0, when, fallback, tellsOutputs, ...options }]) => {
      let failures = fails;
      const dagStep: DagStep = {
        ...(options as Pick<DagStep, 'after'>),
        ...(when !== undefined && { when: () => when }),
        ...(fallback && { fallback: () => runSpec(name, fallback) }),
        run: async (outputs: unknown) => {
          await note({ case: name, text: step });
          if (failures-- > 0) throw fail('Tool.Failed', `${step} failed`);
          const output = await runSpec(name, body);
          return tellsOutputs ? outputs : output;
        },
      };
      return [step, dagStep];
    }),
  ) as Record<string, { run: () => Promise<unknown> }>;
  return dag(bodies, {
    ...(onFailure && { onFailure: onFailure as 'continue' }),
    ...(concurrency !== undefined && { concurrency }),
    ...(timeout !== undefined && { timeout }),
    ...(done && { done }),
  } as { onFailure: 'continue' });
}
