/**
 * Where a worker process serves metrics: the SDK's own Prometheus endpoint, which has no login. So it listens on this machine alone,
 * unless the config or the environment says otherwise.
 */
import { createServer } from 'node:net';
import type { TelemetryOptions } from '@temporalio/worker';
import type { MetricsConfig } from '../core/config.js';
import { SegnoError } from '../core/errors.js';

const portVariable = 'SEGNO_METRICS_PORT';
const exposeVariable = 'SEGNO_METRICS_EXPOSE';

/**
 * What the environment says, beside and before the config.
 *
 * @throws SegnoError `Config.Invalid`
 */
export function metricsSettings(config: MetricsConfig | undefined, env: NodeJS.ProcessEnv): MetricsConfig | undefined {
  const [port, expose] = [portVariable, exposeVariable].map((name) => env[name]?.trim() || undefined);
  if (port === 'off') return undefined;
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535)) {
    throw new SegnoError('Config.Invalid', `${portVariable} is ${port}, and should be a port from 1 to 65535, or off.`);
  }
  if (expose !== undefined && expose !== 'true' && expose !== 'false') {
    throw new SegnoError('Config.Invalid', `${exposeVariable} is ${expose}, and should be true or false.`);
  }
  const asked = port === undefined ? config?.port : Number(port);
  if (asked === undefined) return undefined;
  return { port: asked, expose: expose === undefined ? (config?.expose ?? false) : expose === 'true' };
}

/** Dollars of one call: from a small model's answer to a long context on a large one. */
const costBuckets = [0.0001, 0.001, 0.01, 0.1, 1, 10];
const callBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const longBuckets = [1, 5, 30, 60, 300, 1_800, 3_600, 21_600, 86_400];

/** The exporter finds a histogram by a part of its name. */
const histogramBucketOverrides = {
  segno_model_call_cost: costBuckets,
  segno_model_call_duration: callBuckets,
  segno_tool_call_duration: callBuckets,
  segno_admission_wait_duration: callBuckets,
  segno_agent_call_duration: longBuckets,
  segno_run_duration: longBuckets,
};

/**
 * For `Runtime.install`. Names follow Prometheus' conventions: seconds, units as suffixes, `_total`.
 *
 * @throws SegnoError `Config.Invalid` when the port is taken
 */
export async function metricsTelemetry({ port, expose }: MetricsConfig): Promise<TelemetryOptions> {
  const host = expose ? '0.0.0.0' : '127.0.0.1';
  const taken = await whyTaken(port, host);
  if (taken !== undefined) {
    throw new SegnoError(
      'Config.Invalid',
      `metrics: no endpoint on ${host}:${port}: ${taken}. Give each worker of a machine a port of its own (${portVariable}).`,
    );
  }
  return {
    metrics: {
      // `service_name="temporal-core-sdk"` on every series tells nothing.
      attachServiceName: false,
      prometheus: {
        bindAddress: `${host}:${port}`,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
        histogramBucketOverrides,
      },
    },
  };
}

/** The SDK itself would end with a message that names no port. */
function whyTaken(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', ({ message }) => resolve(message));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
