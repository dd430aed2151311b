/** A map of trivial items: items a second, and what grows with their number (history, memory). */
import type { Bench } from './bench.js';
import { format, type Row, spread } from './statistics.js';

const rounds = 5;
const sampleMs = 20;
const targetPerSecond = 1_500;

export async function benchMapReduce(bench: Bench): Promise<Row[]> {
  await bench.run('mapNumbers', { count: 100 });
  const perActivity: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { elapsedMs } = await bench.run('fanOut', { step: 'bare', width: 500 }, 'bare');
    perActivity.push(500 / (elapsedMs / 1_000));
  }
  const perSecond: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { elapsedMs } = await mapNumbers(bench, 10_000);
    perSecond.push(10_000 / (elapsedMs / 1_000));
  }
  const rate = spread(perSecond);
  const sizes: Row[] = [];
  for (const count of [10, 1_000, 10_000]) sizes.push(await sizeRow(bench, count));
  // As much work as the largest map: what the memory grows by here is the process's age, not the map's size.
  sizes.push({ ...(await sizeRow(bench, 10_000, 10)), figure: '10,000 items, ten times' });
  sizes.push(await sizeRow(bench, 100_000));
  return [
    { figure: '500 items, a bare activity each', value: format(spread(perActivity), 'items/s', 0) },
    {
      figure: '10,000 items, mapReduce',
      value: format(rate, 'items/s', 0),
      target: `at least ${targetPerSecond}`,
      met: rate.median >= targetPerSecond,
    },
    ...sizes,
  ];
}

async function sizeRow(bench: Bench, count: number, times = 1): Promise<Row> {
  globalThis.gc?.();
  let rssBytes = 0;
  const timer = setInterval(() => (rssBytes = Math.max(rssBytes, process.memoryUsage().rss)), sampleMs);
  const startedMs = performance.now();
  let id = '';
  for (let time = 0; time < times; time += 1) ({ id } = await mapNumbers(bench, count));
  const elapsedMs = performance.now() - startedMs;
  clearInterval(timer);
  const own = await bench.historyBytes(id);
  const { largest, executions } = await others(bench, id);
  return {
    figure: `${count.toLocaleString('en')} items`,
    value: [
      `${(elapsedMs / 1_000).toFixed(1)} s, ${Math.round((times * count) / (elapsedMs / 1_000))} items/s`,
      `history ${kilobytes(own)}`,
      `its ${executions} other executions at most ${kilobytes(largest)}`,
      `worker's memory up to ${Math.round(rssBytes / 1e6)} MB`,
    ].join('; '),
  };
}

async function mapNumbers(bench: Bench, count: number): Promise<{ id: string; elapsedMs: number }> {
  const { result, ...run } = await bench.run<number>('mapNumbers', { count });
  if (result !== (count * (count + 1)) / 2) throw new Error(`${count} items add up to ${result}`);
  return run;
}

/** The executions of the map's own workflow. */
async function others(bench: Bench, id: string): Promise<{ largest: number; executions: number }> {
  const { runId } = await bench.client.show(id);
  let largest = 0;
  let executions = 0;
  for await (const info of bench.client.temporal.workflow.list({ query: `RootWorkflowId = "${id}"` })) {
    if (info.runId === runId) continue;
    executions += 1;
    largest = Math.max(largest, info.historySize ?? Number.NaN);
  }
  return { largest, executions };
}

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(1)} KB`;
