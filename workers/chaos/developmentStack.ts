/**
 * The one thing faults may be injected into: an embedded development stack that uses nothing from outside, and a project that no
 * provider serves.
 */
import { offlineProvider, type ResolvedConfig, usesProviders } from '../../core/config.js';
import { SegnoError } from '../../core/errors.js';
import { outsideConnections } from '../embedded/resolveConnections.js';
import { readStack, type StackState } from '../embedded/stackState.js';
import { hostId } from '../processIdentity.js';

/**
 * The running stack of `dir`, if faults may be injected into it.
 *
 * @throws SegnoError `Stack.NotRunning`, `Chaos.Refused`
 */
export function developmentStack(
  dir: string,
  env: NodeJS.ProcessEnv,
  { models }: Pick<ResolvedConfig, 'models'>,
): StackState {
  const named = Object.keys(outsideConnections(env));
  if (named.length > 0) throw refused(`the environment names ${list(named)} outside of it`);
  if (usesProviders(models)) {
    const served = Object.entries(models)
      .filter(([, { provider }]) => provider !== offlineProvider)
      .map(([alias, { provider }]) => `models.${alias} by ${provider}`);
    throw refused(`segno.config.ts has models served by providers (${served.join(', ')}), whose calls cost money`);
  }
  const stack = readStack(dir);
  if (!stack) throw new SegnoError('Stack.NotRunning', `no \`segno dev\` runs in ${dir}`);
  if (stack.status !== 'ready') throw new SegnoError('Stack.NotRunning', `the stack in ${dir} is ${stack.status}`);
  if (stack.hostId !== hostId()) throw refused(`the stack in ${dir} runs on another machine or in another container`);
  const missing = (['temporal', 'ledger', 'model'] as const).filter((name) => stack.addresses[name] === undefined);
  if (missing.length > 0) throw refused(`the stack in ${dir} was started with ${list(missing)} from outside`);
  return stack;
}

const names: Readonly<Record<string, string>> = { temporal: 'Temporal', ledger: 'the ledger', model: 'the model' };

function list(which: readonly string[]): string {
  return which.map((name) => names[name] ?? name).join(' and ');
}

function refused(why: string): SegnoError {
  return new SegnoError('Chaos.Refused', `nothing was injected: ${why}`);
}
