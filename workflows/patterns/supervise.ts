import type { StepError } from '../../core/results.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { branchPath, nextPath } from '../scope.js';
import { failureOf, startStep } from '../settle.js';
import { withTimeout } from './withTimeout.js';
import { rangeFaults } from './rangeFaults.js';
import type { Review } from './refine.js';

/** What was tried before a level is asked. */
export interface Tried<Draft> {
  /** Absent when no draft came about. */
  draft?: Draft;
  /** The reviewer's words on each draft, in order. */
  reviews: Review[];
  /** Why a draft did not come about. */
  error?: StepError;
}

type Level<Draft> = (tried: Tried<Draft>) => Promise<Draft>;

export interface SuperviseOptions<Draft, Levels extends Readonly<Record<string, Level<Draft>>>> {
  /** Gets the reviewer's feedback on the draft before, and that draft; at first neither. */
  work: (feedback: string[] | undefined, previous: Draft | undefined) => Promise<Draft>;
  /** Judges each draft, also those of all levels but the last. */
  review: (draft: Draft) => Promise<Review>;
  /** Drafts of the worker before its task goes up a level. Default 3. */
  maxRounds?: number;
  /** Whom to ask after that, in order: another agent, a higher tier, at last a person. What the last one says stands. */
  escalate: Levels;
  /** `escalate`: a failed worker, reviewer or level passes the task on, too. Default `fail`. */
  onFailure?: 'fail' | 'escalate';
  /** Limit of it all. Default: none. */
  timeout?: Duration;
}

export interface Supervised<Draft, Name extends string> {
  output: Draft;
  /** Who the output is from. */
  by: 'worker' | Name;
  /** Whether a reviewer has accepted it; what the last level says is not reviewed. */
  reviewed: boolean;
  /** Drafts of the worker. */
  rounds: number;
  reviews: Review[];
}

const mostRounds = 100;

/**
 * A worker whose drafts a reviewer accepts or sends back, a bounded number of times; then somebody above takes over.
 *
 * @throws ApplicationFailure of a step, with `onFailure: 'escalate'` only of the last level; `Step.DeadlineExceeded`;
 *   `Pattern.InvalidSteps` before anything runs
 */
export function supervise<Draft, const Levels extends Readonly<Record<string, Level<Draft>>>>(
  options: SuperviseOptions<Draft, Levels>,
): Promise<Supervised<Draft, Extract<keyof Levels, string>>> {
  const run = (): Promise<Supervised<Draft, string>> => runSupervised(options);
  const supervised = options.timeout === undefined ? run() : withTimeout(options.timeout, run);
  return supervised as Promise<Supervised<Draft, Extract<keyof Levels, string>>>;
}

async function runSupervised<Draft>({
  work,
  review,
  maxRounds = 3,
  escalate,
  onFailure = 'fail',
}: SuperviseOptions<Draft, Readonly<Record<string, Level<Draft>>>>): Promise<Supervised<Draft, string>> {
  const levels = Object.entries(escalate);
  checkOptions(
    maxRounds,
    levels.map(([name]) => name),
  );
  const path = nextPath('supervise');
  const tried: Tried<Draft> = { reviews: [] };
  let rounds = 0;

  /** @returns whether the task is done */
  const attempt = async (name: string, last: boolean, body: () => Promise<Draft>): Promise<boolean> => {
    const step = startStep(branchPath(path, name), async () => {
      tried.draft = await body();
      if (last) return true;
      const verdict = await review(tried.draft);
      tried.reviews.push(verdict);
      return verdict.acceptable;
    });
    const result = await step.result;
    if (result.status === 'completed') return result.output;
    if (onFailure === 'fail' || last) throw step.thrown() ?? failureOf(result);
    tried.error = result.error;
    return false;
  };
  const done = (by: string, reviewed: boolean): Supervised<Draft, string> => ({
    output: tried.draft!,
    by,
    reviewed,
    rounds,
    reviews: tried.reviews,
  });

  while (rounds < maxRounds && !tried.error) {
    rounds += 1;
    const { draft } = tried;
    const feedback = tried.reviews.at(-1)?.feedback;
    if (await attempt(`round#${rounds}`, false, () => work(feedback, draft))) return done('worker', true);
  }
  for (const [index, [name, level]] of levels.entries()) {
    const last = index === levels.length - 1;
    const before = { ...tried, reviews: [...tried.reviews] };
    if (await attempt(name, last, () => level(before))) return done(name, !last);
  }
  throw fail('Pattern.InvalidSteps', 'supervise: no level has taken over');
}

function checkOptions(maxRounds: number, levels: string[]): void {
  const faults = [
    ...rangeFaults({ maxRounds }, 1, mostRounds),
    ...(levels.length === 0 ? ['escalate: name at least one level to go to after the last round'] : []),
    ...levels
      .filter((name) => name === '' || name === 'worker' || name.startsWith('round#'))
      .map((name) => `escalate: "${name}" is no name for a level`),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `supervise: ${faults.join('; ')}`);
}
