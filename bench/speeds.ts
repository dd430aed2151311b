/** The three speeds of a step, and wide and many runs, against bare activities on the same server. */
import type { Bench } from './bench.js';
import { addedByGate } from './gate.js';
import { format, ratio, type Row, spread } from './statistics.js';

type Step = 'bare' | 'agent' | 'quick' | 'long';
const kinds: readonly Step[] = ['bare', 'agent', 'quick', 'long'];
const rounds = 5;
const queueOf = (step: Step): 'segno' | 'bare' => (step === 'bare' ? 'bare' : 'segno');

async function perStep(bench: Bench, step: Step, count: number, from: number, to: number): Promise<number> {
  const { result } = await bench.run<number[]>('sequence', { step, count }, queueOf(step));
  return (result[to]! - result[from]!) / (to - from);
}

/** @returns milliseconds a step, by kind, one value a round */
async function inRounds(
  measure: (step: Step) => Promise<number>,
  steps: readonly Step[],
  times = rounds,
): Promise<Record<Step, number[]>> {
  const values: Record<Step, number[]> = { bare: [], agent: [], quick: [], long: [] };
  for (let round = 0; round < times; round += 1) {
    for (const step of steps) values[step].push(await measure(step));
  }
  return values;
}

const targets: Partial<Record<Step, number>> = { agent: 1.5, quick: 0.5 };

function rows(what: string, values: Record<Step, number[]>, unit: string): Row[] {
  return kinds
    .filter((step) => values[step].length > 0)
    .map((step) => {
      const against = ratio(values[step], values.bare);
      const target = what.startsWith('step') ? targets[step] : undefined;
      return {
        figure: `${what}: ${step}`,
        value: `${format(spread(values[step]), unit)}; ${format(against, '×', 2)} bare`,
        ...(target !== undefined && { target: `at most ${target} × bare`, met: against.median <= target }),
      };
    });
}

export async function benchSpeeds(bench: Bench): Promise<Row[]> {
  for (const step of kinds) await bench.run('sequence', { step, count: 20 }, queueOf(step));
  const early = await inRounds((step) => perStep(bench, step, 60, 0, 60), kinds);
  const ungated: number[] = [];
  for (const ms of early.agent) ungated.push(ms - (await addedByGate(bench.ledger)));
  const gate = ratio(early.agent, ungated);
  const late = await inRounds((step) => perStep(bench, step, 1000, 940, 1000), ['bare', 'agent', 'quick'], 3);
  const wide = await inRounds(
    async (step) => (await bench.run('fanOut', { step, width: 500 }, queueOf(step))).elapsedMs,
    kinds,
    3,
  );
  const many = await inRounds(
    async (step) => {
      const started = performance.now();
      await Promise.all(Array.from({ length: 100 }, () => bench.run('sequence', { step, count: 5 }, queueOf(step))));
      return performance.now() - started;
    },
    kinds,
    3,
  );
  return [
    ...rows('step 1 to 60 of a sequence', early, 'ms'),
    {
      figure: 'an agent step with the gate, less what admitting and settling add on this ledger',
      value: `${format(spread(ungated), 'ms')}; with it ${format(gate, '×', 2)}`,
      target: 'at most 1.25 × without',
      met: gate.median <= 1.25,
    },
    ...rows('step 940 to 1,000 of a sequence', late, 'ms'),
    ...rows('500 steps side by side', wide, 'ms'),
    ...rows('100 runs of 5 steps', many, 'ms'),
  ];
}
