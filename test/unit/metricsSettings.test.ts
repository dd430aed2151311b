import { describe, expect, it } from 'vitest';
import { gateLabel } from '../../core/gateLabel.js';
import { resolveConfig } from '../../core/config.js';
import { metricsSettings } from '../../workers/metricsEndpoint.js';

describe('where metrics are served', () => {
  it('is nowhere, unless the config or the environment names a port', () => {
    expect(metricsSettings(undefined, {})).toBeUndefined();
    expect(metricsSettings(undefined, { SEGNO_METRICS_PORT: '' })).toBeUndefined();
    expect(metricsSettings({ port: 9464, expose: false }, { SEGNO_METRICS_PORT: 'off' })).toBeUndefined();
  });

  it('is this machine alone, unless it is to be reached by others', () => {
    expect(resolveConfig({ workflows: './w.ts', metrics: { port: 9464 } }).metrics).toEqual({
      port: 9464,
      expose: false,
    });
    expect(metricsSettings(undefined, { SEGNO_METRICS_PORT: '9465' })).toEqual({ port: 9465, expose: false });
    expect(
      metricsSettings({ port: 9464, expose: false }, { SEGNO_METRICS_PORT: '9465', SEGNO_METRICS_EXPOSE: 'true' }),
    ).toEqual({ port: 9465, expose: true });
  });

  it.each([
    ['a port that is none', { SEGNO_METRICS_PORT: '0' }, 'SEGNO_METRICS_PORT is 0'],
    ['a port beyond all ports', { SEGNO_METRICS_PORT: '65536' }, 'SEGNO_METRICS_PORT is 65536'],
    ['an address', { SEGNO_METRICS_PORT: '0.0.0.0:9464' }, 'SEGNO_METRICS_PORT is 0.0.0.0:9464'],
    ['a half-said yes', { SEGNO_METRICS_PORT: '9464', SEGNO_METRICS_EXPOSE: 'yes' }, 'SEGNO_METRICS_EXPOSE is yes'],
  ])('is refused for %s', (_, env, message) => {
    expect(() => metricsSettings(undefined, env)).toThrow(message);
  });
});

describe('the label of a gate or budget', () => {
  const config = resolveConfig({ workflows: './w.ts', tenants: { acme: {}, '*': {} } });
  it.each([
    ['model/openai/large', 'model/openai/large'],
    ['model/openai/vendor/large', 'model/openai/vendor/large'],
    ['provider/openai', 'provider/openai'],
    ['named/clerks/day/2026-11-21', 'named/clerks'],
    ['tenant/acme/month/2026-11', 'tenant/acme'],
    ['tenant/acme', 'tenant/acme'],
    ['tenant/one-of-a-million', 'tenant/*'],
    ['run/0b7c1f0e-7a53-4a4e-8ac5-000000000000', 'run'],
    ['call/0b7c1f0e/clerk#1', 'call'],
    ['scope/0b7c1f0e/withBudget#1', 'scope'],
  ])('of %s is %s', (key, label) => {
    expect(gateLabel(config, key)).toBe(label);
  });
});
