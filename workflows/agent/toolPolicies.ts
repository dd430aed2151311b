import type { ToolPolicy } from '../../core/contracts.js';

/**
 * How a run's tools are run, as the worker said when each was first called.
 *
 * Invariant: while the first call of a tool asks, calls beside it wait for its answer; if it fails without one, the next
 * of them asks.
 */
export class ToolPolicies {
  private readonly known = new Map<string, ToolPolicy>();
  private readonly asking = new Map<string, Promise<void>>();

  /** @param call gets the policy or, when nobody knows it yet, undefined; and `learn`, to be told as soon as it is known */
  async use<T>(
    tool: string,
    call: (policy: ToolPolicy | undefined, learn: (policy: ToolPolicy) => void) => Promise<T>,
  ): Promise<T> {
    for (let asked = this.asking.get(tool); asked; asked = this.asking.get(tool)) await asked;
    const policy = this.known.get(tool);
    if (policy) return call(policy, (changed) => void this.known.set(tool, changed));
    let answered = (): void => undefined;
    this.asking.set(tool, new Promise((resolve) => (answered = resolve)));
    const settle = (): void => {
      this.asking.delete(tool);
      answered();
    };
    try {
      return await call(undefined, (learnt) => {
        this.known.set(tool, learnt);
        settle();
      });
    } finally {
      if (!this.known.has(tool)) settle();
    }
  }
}
