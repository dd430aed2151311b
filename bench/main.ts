/** `npm run bench [-- server gate outage speeds history conversation mapReduce patterns startup]`: prints the tables of BENCHMARKS.md. */
import { cpus, totalmem } from 'node:os';
import { type Bench, startBench } from './bench.js';
import { benchConversation, benchHistory } from './history.js';
import { benchPatterns } from './patterns.js';
import { benchMapReduce } from './mapReduce.js';
import { benchOutage } from './outage.js';
import { benchGate } from './gate.js';
import { benchServer } from './server.js';
import { benchSpeeds } from './speeds.js';
import { benchStartup } from './startup.js';
import type { Row } from './statistics.js';

const alone: Record<string, () => Promise<Row[]>> = {
  server: benchServer,
  gate: benchGate,
  outage: benchOutage,
  startup: benchStartup,
};
const onStack: Record<string, (bench: Bench) => Promise<Row[]>> = {
  speeds: benchSpeeds,
  history: benchHistory,
  conversation: benchConversation,
  mapReduce: benchMapReduce,
  patterns: benchPatterns,
};

const known = [...Object.keys(alone), ...Object.keys(onStack)];
const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !known.includes(name));
if (unknown !== undefined) {
  process.stderr.write(`no benchmark is named ${unknown}; there are: ${known.join(', ')}\n`);
  process.exit(2);
}
const chosen = (name: string): boolean => wanted.length === 0 || wanted.includes(name);

function print(name: string, rows: readonly Row[]): void {
  const line = ({ figure, value, target = '', met }: Row): string =>
    `| ${figure} | ${value} | ${target} | ${met === undefined ? '' : met ? 'yes' : 'no'} |`;
  process.stdout.write(
    `\n## ${name}\n\n| figure | median (min to max) | target | met |\n| --- | --- | --- | --- |\n${rows.map(line).join('\n')}\n`,
  );
}

const cpu = cpus()[0]?.model.trim() ?? 'unknown';
process.stdout.write(
  `${new Date().toISOString().slice(0, 10)}, Node ${process.version}, ${cpus().length} × ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB\n`,
);
for (const [name, run] of Object.entries(alone)) if (chosen(name)) print(name, await run());
if (Object.keys(onStack).some(chosen)) {
  const bench = await startBench();
  try {
    for (const [name, run] of Object.entries(onStack)) if (chosen(name)) print(name, await run(bench));
  } finally {
    await bench.close();
  }
}
process.exit();
