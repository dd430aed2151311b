/** A decision with its explanation, or why there is none: what all methods of `decide` give. */
export interface Decided<Decision, Explanation> {
  decision: Decision;
  /** JSON for programs and audits; its `text` is one line for a person. */
  explanation: Explanation;
}

/** `invalid`: the method itself is wrong, in all its faults. `impossible`: it cannot be applied to what it was given. */
export type NoDecision = { invalid: string[] } | { impossible: string };

/** A value as it stands in a line for a person. */
export function told(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
  return text.length <= mostTold ? text : `${text.slice(0, mostTold - 1)}…`;
}

const mostTold = 200;
