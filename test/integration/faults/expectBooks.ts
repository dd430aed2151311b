import { expect } from 'vitest';
import type { ScriptedModel } from '../../../testing/index.js';
import type { StepRecord } from '../../chaos/readRun.js';

/**
 * What the ledger has written down of one run's model calls is what the model server counted, or the upper bound where nobody could
 * know; and the server got no request that the ledger does not know.
 */
export function expectBooks(runId: string, steps: readonly StepRecord[], model: ScriptedModel): void {
  const { byKey } = model.stats();
  const attempts = steps
    .filter(({ kind }) => kind === 'model')
    .flatMap((step) => step.attempts.map((attempt) => ({ id: `${step.key}#${attempt.epoch}`, ...attempt })));
  for (const { id, estimated, inputTokens, outputTokens, upperInputTokens, upperOutputTokens } of attempts) {
    const { promptTokens = 0, completionTokens = 0 } = byKey[id] ?? {};
    const counted = estimated ? [upperInputTokens, upperOutputTokens] : [promptTokens, completionTokens];
    expect([inputTokens, outputTokens], id).toEqual(counted);
    expect(inputTokens! >= promptTokens && outputTokens! >= completionTokens, `${id} covers what was counted`).toBe(
      true,
    );
  }
  const known = new Set(attempts.map(({ id }) => id));
  const asked = model.requests.map(({ headers }) => headers['x-client-request-id'] ?? '');
  expect(
    asked.filter((id) => id.startsWith(`${runId}/`) && !known.has(id)),
    'requests the ledger does not know',
  ).toEqual([]);
}
