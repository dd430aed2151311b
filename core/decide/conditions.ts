/** The conditions of a table, a tree or cases, compiled once and not for each input. */
import { compileCel, type CompiledCel } from '../cel.js';

export interface PlacedWhen {
  /** Where it stands, for messages. */
  at: string;
  when: string;
}

export interface Conditions {
  /** In the order in which they were given; those with faults are left out. */
  compiled: readonly CompiledCel[];
  faults: readonly string[];
}

const known = new WeakMap<object, { key: string; conditions: Conditions }>();

/** @param owner what they belong to: as long as it is there and says the same, they are not compiled again */
export function compileConditions(
  owner: object,
  conditions: readonly PlacedWhen[],
  variables: readonly string[],
): Conditions {
  const key = JSON.stringify([variables, conditions]);
  const before = known.get(owner);
  if (before?.key === key) return before.conditions;
  const compiled: CompiledCel[] = [];
  const faults: string[] = [];
  for (const { at, when } of conditions) {
    const condition = compileCel(when, { variables, result: 'bool' });
    if ('faults' in condition) faults.push(...condition.faults.map((fault) => `${at}: ${fault}`));
    else compiled.push(condition);
  }
  known.set(owner, { key, conditions: { compiled, faults } });
  return { compiled, faults };
}
