import type { SegnoError } from '../../core/errors.js';
import type { GuardrailFinding } from '../../core/guardrails.js';

/** What a step's row tells of them; nothing when there are none. */
export function detailOf(findings: readonly GuardrailFinding[] = []): {
  detail?: { guardrails: readonly GuardrailFinding[] };
} {
  return findings.length > 0 ? { detail: { guardrails: findings } } : {};
}

/** Those an error of a guardrail brings along. */
export function findingsIn({ details }: SegnoError): readonly GuardrailFinding[] {
  return (details?.['guardrails'] as readonly GuardrailFinding[] | undefined) ?? [];
}
