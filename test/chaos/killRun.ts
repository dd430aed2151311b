/**
 * One run with one kill at one precise point.
 *
 * Invariant: the kill follows the moment it names without a wait in between, and a model call or a tool that is to be cut
 * is held there: it cannot finish first.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SegnoError } from '../../core/errors.js';
import { type ChaosStack, type Victim, victims } from './chaosStack.js';
import { eventually } from './eventually.js';
import { instanceOf, readRun, stateOf, type StepRecord } from './readRun.js';

export const moments = ['started', 'sent', 'done', 'beforeEffect', 'afterEffect'] as const;
/**
 * `started`: the run was accepted, no step has begun. `sent`: the step has begun; a model call is held at the model.
 * `done`: its result is recorded. `beforeEffect`, `afterEffect`: inside a tool of the chaos project.
 */
export type Moment = (typeof moments)[number];

export interface KillPoint {
  /** Of the step; empty for `started`. */
  readonly path: string;
  readonly kind: 'model' | 'tool' | 'run';
  readonly moment: Moment;
  readonly victim: Victim;
}

export interface SurvivedRun {
  readonly runId: string;
  readonly result: unknown;
  /** What the run failed with instead. */
  readonly error: SegnoError | undefined;
  readonly steps: readonly StepRecord[];
  /** The worker instance that was killed, if one was. */
  readonly dead: string | undefined;
  /** From the kill until the run had ended. */
  readonly tookMs: number;
}

export interface Job {
  readonly workflow: string;
  readonly input: unknown;
}

export function describePoint({ victim, moment, path }: KillPoint): string {
  return `${victim} killed ${moment === 'started' ? 'when the run has started' : `at ${moment} of ${path}`}`;
}

export async function runAndKill(stack: ChaosStack, job: Job, point: KillPoint): Promise<SurvivedRun> {
  const { model } = stack;
  // A stack that an earlier test could not bring up again must fail that test alone.
  await stack.restart();
  const instance = await eventually(() => instanceOf(stack.ledger, stack.pidOf('worker')), 'a worker at work');
  const gate = join(
    stack.dir,
    'gates',
    `${toolOf(point.path)}.${point.moment === 'beforeEffect' ? 'before' : 'after'}`,
  );
  const atEffect = point.moment === 'beforeEffect' || point.moment === 'afterEffect';
  if (atEffect) writeFileSync(gate, '');
  if (point.kind === 'model' && point.moment === 'sent') model.hold(point.path);
  const { id, runId } = await stack.client.start(job.workflow, job.input as never);
  const key = `${runId}/${point.path}`;
  if (point.moment === 'sent' && point.kind === 'model') await model.asked(key);
  else if (atEffect) await untilNoted(stack.dir, key, point.moment === 'beforeEffect' ? 'begun' : 'effect');
  else if (point.moment !== 'started') {
    const wanted = point.moment === 'done' ? ['done'] : ['sent', 'done'];
    await eventually(
      async () => wanted.includes((await stateOf(stack.ledger, key)) ?? ''),
      `${key} to be ${wanted[0]}`,
    );
  }
  const killedAt = Date.now();
  await stack.kill(point.victim);
  model.releaseAll();
  rmSync(gate, { force: true });
  await stack.restart();
  const ended = await outcomeOf(stack, id);
  const tookMs = Date.now() - killedAt;
  const steps = await eventually(() => readRun(stack.ledger, runId), 'the ledger');
  const workerDied = point.victim === 'worker' || point.victim === 'tree' || point.victim === 'supervisor';
  return { runId, ...ended, steps, dead: workerDied ? instance : undefined, tookMs };
}

/** One run that nobody disturbs. */
export async function runInPeace(stack: ChaosStack, job: Job): Promise<SurvivedRun> {
  const startedAt = Date.now();
  const { id, runId } = await stack.client.start(job.workflow, job.input as never);
  const ended = await outcomeOf(stack, id);
  const steps = await readRun(stack.ledger, runId);
  return { runId, ...ended, steps, dead: undefined, tookMs: Date.now() - startedAt };
}

/** Every point of a run at which something can be killed, taken from the steps of an undisturbed one. */
export function pointsOf(steps: readonly StepRecord[]): KillPoint[] {
  const boundaries: Omit<KillPoint, 'victim'>[] = [
    { path: '', kind: 'run', moment: 'started' },
    ...steps.flatMap(({ path, kind }) => (['sent', 'done'] as const).map((moment) => ({ path, kind, moment }))),
  ];
  return boundaries.flatMap((boundary) => victims.map((victim) => ({ ...boundary, victim })));
}

/** Connections break while servers are killed; only what the run itself came to is an answer. */
async function outcomeOf(stack: ChaosStack, id: string): Promise<Pick<SurvivedRun, 'result' | 'error'>> {
  return eventually(
    async () => {
      try {
        const run = await stack.client.get(id);
        return { result: await run.result(), error: undefined };
      } catch (error) {
        if (error instanceof SegnoError && !error.type.endsWith('.Unavailable') && error.type !== 'Run.Unknown')
          return { result: undefined, error };
        throw error;
      }
    },
    `the run ${id} to end`,
    90_000,
  );
}

async function untilNoted(dir: string, key: string, phase: 'begun' | 'effect'): Promise<void> {
  await eventually(() => effectsOf(dir).some((note) => note.key === key && note.phase === phase), `${phase} of ${key}`);
}

export interface EffectNote {
  readonly tool: string;
  readonly phase: 'begun' | 'effect' | 'held';
  /** The idempotency key. */
  readonly key: string;
}

/** What the tools of the chaos project have really done, in order. */
export function effectsOf(dir: string): EffectNote[] {
  const file = join(dir, 'effects.jsonl');
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as EffectNote);
}

/** `a/b/tool#1` → `tool` */
const toolOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/#\d+$/, '');
