import type { ItemStep } from '../../core/batches.js';

type Reference = Exclude<ItemStep, { workflow: string }>;

const references = new WeakMap<object, Reference>();

/** Let `call` also be known by name, so that a pattern can have what it names done elsewhere, many times in one activity. */
export function referTo<Call extends object>(call: Call, step: Reference): Call {
  references.set(call, step);
  return call;
}

/** The tool or agent that a function of `proxyTools` or `proxyAgents` calls; undefined for any other function. */
export function referenceOf(call: object): Reference | undefined {
  return references.get(call);
}
