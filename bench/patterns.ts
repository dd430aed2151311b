/** The patterns against the same by hand: time, history, many and wide runs, and replay. */
import { Worker } from '@temporalio/worker';
import { bundleWorkflows } from 'segno/worker';
import { fileURLToPath } from 'node:url';
import type { Bench } from './bench.js';
import type { PatternName, PatternRun, Rounds } from './project/patternWorkflows.js';
import { format, ratio, type Row, spread } from './statistics.js';

const patterns: readonly PatternName[] = [
  'sequential',
  'parallel',
  'mapReduce',
  'route',
  'race',
  'hedge',
  'withFallback',
  'withTimeout',
  'refine',
  'repeatUntil',
  'supervise',
  'dag',
  'saga',
  'approval',
];
const ways = ['pattern', 'byHand'] as const;
type Way = (typeof ways)[number];

const rounds = 7;
const targets = { time: 1.3, history: 1.2 };

/** In turns, so that both ways see the same machine. */
async function inTurns(measure: (way: Way) => Promise<number>, times = rounds): Promise<Record<Way, number[]>> {
  const values: Record<Way, number[]> = { pattern: [], byHand: [] };
  for (let round = 0; round < times; round += 1) for (const way of ways) values[way].push(await measure(way));
  return values;
}

export async function benchPatterns(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const pattern of patterns) {
    const run: RunWay = (way) => bench.run('usePattern', { pattern, way, times: 10 } satisfies PatternRun, 'bare');
    rows.push(await patternRow(bench, `${pattern}, ten times`, run));
  }
  const goRound: RunWay = (way) => bench.run('goRound', { way, upTo: 50, round: 0 } satisfies Rounds, 'bare');
  rows.push(await patternRow(bench, 'loop, 50 rounds', goRound));
  rows.push(await patternRow(bench, 'planAndRun, 3 tools', (way) => bench.run('planned', { way })));
  return [...rows, ...(await wideRows(bench)), ...(await manyRows(bench)), ...(await replayRows(bench))];
}

type RunWay = (way: Way) => ReturnType<Bench['run']>;

async function patternRow(bench: Bench, figure: string, run: RunWay): Promise<Row> {
  const ids: Record<Way, string> = { pattern: '', byHand: '' };
  for (const way of ways) ids[way] = (await run(way)).id;
  const times = await inTurns(async (way) => (await run(way)).elapsedMs);
  const against = ratio(times.pattern, times.byHand);
  const history = (await bench.historyBytes(ids.pattern)) / (await bench.historyBytes(ids.byHand));
  return {
    figure,
    value: `${format(spread(times.pattern), 'ms', 0)}, ${format(against, '×', 2)} by hand; history ${history.toFixed(2)} ×`,
    target: `at most ${targets.time} × and ${targets.history} ×`,
    met: against.median <= targets.time && history <= targets.history,
  };
}

const label: Record<Way, string> = { pattern: 'parallel', byHand: 'Promise.all' };

async function wideRows(bench: Bench): Promise<Row[]> {
  const steps: Record<Way, number[]> = { pattern: [], byHand: [] };
  const times = await inTurns(async (way) => {
    const { result, elapsedMs } = await bench.run<number[]>('wide', { way, count: 500 }, 'bare');
    steps[way].push(...result);
    return elapsedMs;
  }, 5);
  const rates = (way: Way): number[] => times[way].map((ms) => 500_000 / ms);
  return ways.map((way) => {
    const { median, p99 } = spread(steps[way]);
    return {
      figure: `500 steps side by side, ${label[way]}`,
      value: `${format(spread(rates(way)), 'steps/s', 0)}; a step's end after ${median} ms (p50), ${p99} ms (p99)`,
    };
  });
}

async function manyRows(bench: Bench): Promise<Row[]> {
  const runs: Record<Way, number[]> = { pattern: [], byHand: [] };
  const times = await inTurns(async (way) => {
    const started = performance.now();
    const one = () => bench.run('usePattern', { pattern: 'sequential', way, times: 1 } satisfies PatternRun, 'bare');
    const all = await Promise.all(Array.from({ length: 100 }, one));
    runs[way].push(...all.map(({ elapsedMs }) => elapsedMs));
    return performance.now() - started;
  }, 5);
  const rates = (way: Way): number[] => times[way].map((ms) => 500_000 / ms);
  return ways.map((way) => {
    const { median, p99 } = spread(runs[way]);
    return {
      figure: `100 runs of 5 steps, ${way === 'pattern' ? 'sequential' : 'by hand'}`,
      value: `${format(spread(rates(way)), 'steps/s', 0)}; a run took ${median.toFixed(0)} ms (p50), ${p99.toFixed(0)} ms (p99)`,
    };
  });
}

/** 830 steps of six events each. */
const replayed = 166;

async function replayRows(bench: Bench): Promise<Row[]> {
  const workflows = fileURLToPath(new URL('./project/patternWorkflows.ts', import.meta.url));
  const workflowBundle = await bundleWorkflows([workflows]);
  const histories = {} as Record<Way, Awaited<ReturnType<typeof historyOf>>>;
  for (const way of ways) histories[way] = await historyOf(bench, way);
  const times = await inTurns(async (way) => {
    const started = performance.now();
    await Worker.runReplayHistory({ workflowBundle }, histories[way]);
    return performance.now() - started;
  });
  const against = ratio(times.pattern, times.byHand);
  return ways.map((way) => ({
    figure: `replay of ${histories[way].events?.length ?? 0} events with worker set-up, ${way === 'pattern' ? 'sequential' : 'by hand'}`,
    value: `${format(spread(times[way]), 'ms', 0)}${way === 'pattern' ? `; ${format(against, '×', 2)} by hand` : ''}`,
  }));
}

async function historyOf(bench: Bench, way: Way) {
  const input: PatternRun = { pattern: 'sequential', way, times: replayed };
  const { id } = await bench.run('usePattern', input, 'bare');
  return bench.client.temporal.workflow.getHandle(id).fetchHistory();
}
