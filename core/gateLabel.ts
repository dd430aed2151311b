import type { ResolvedConfig } from './config.js';

/**
 * What a metric calls a gate or a budget: its key where the config names it, else its kind. Runs, calls and tenants that are not named
 * are as many as they like, and a metrics server keeps a series for each name it has ever seen.
 */
export function gateLabel({ tenants }: Pick<ResolvedConfig, 'tenants'>, key: string): string {
  const [kind = '', name = ''] = key.split('/', 2);
  if (kind === 'model' || kind === 'provider') return key;
  if (kind === 'named') return `named/${name}`;
  if (kind !== 'tenant') return kind;
  return `tenant/${Object.hasOwn(tenants, name) ? name : '*'}`;
}
