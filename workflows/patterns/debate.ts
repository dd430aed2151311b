import type { DebateReply, DebateTurn } from '../../core/peers.js';
import type { StepError } from '../../core/results.js';
import { Deadline, type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, nextPath } from '../scope.js';
import { complete, timedOut } from '../settle.js';
import { rangeFaults } from './rangeFaults.js';
import { runTurns } from './runTurns.js';

export interface DebateSide {
  /** What it argues for. */
  position: string;
  /** An agent with `debateTurnSchema` and `debateReplySchema`, or a function. */
  speak: (turn: DebateTurn) => Promise<DebateReply>;
}

export interface Statement {
  by: string;
  round: number;
  text: string;
}

export interface DebateOptions<Verdict> {
  question: string;
  /** 2 to 10. */
  sides: Readonly<Record<string, DebateSide>>;
  /** Hears all of it: an agent, a function, or a vote (`decide.ensemble`). */
  judge: (debate: { question: string; said: Statement[] }) => Promise<Verdict>;
  /** Rounds at most: 1 to 20. Default 2. */
  rounds?: number;
  /** `continue`: a side that fails is not heard in that round. Default `fail`. */
  onFailure?: 'fail' | 'continue';
  /** Limit of the speeches; then the judge hears what there is. Default: none. */
  timeout?: Duration;
}

export interface Debated<Verdict> {
  verdict: Verdict;
  said: Statement[];
  /** `conceded`: no two sides were left to argue. */
  stopped: 'rounds' | 'conceded' | 'deadline';
  rounds: number;
  /** Sides that were convinced. */
  conceded: string[];
  /** Speeches that failed. */
  missed: { by: string; round: number; error: StepError }[];
}

const mostSides = 10;
const mostRounds = 20;

/**
 * Sides that argue a question in rounds, and a judge who has heard them all. In a round all speak at once, each knowing the rounds
 * before (Du et al. 2023, Improving Factuality and Reasoning through Multiagent Debate, arXiv:2305.14325).
 *
 * @throws ApplicationFailure of a side or the judge; `Step.DeadlineExceeded` when nothing was said in time; `Pattern.TooFew` when
 *   no speech came about; `Pattern.InvalidSteps` before anything runs
 */
export async function debate<Verdict>(options: DebateOptions<Verdict>): Promise<Debated<Verdict>> {
  const { question, sides, judge, rounds: of = 2, onFailure = 'fail', timeout } = options;
  checkOptions(Object.keys(sides), of, timeout);
  const path = nextPath('debate');
  const deadline = timeout === undefined ? undefined : Deadline.after(timeout, path);
  const said: Statement[] = [];
  const conceded: string[] = [];
  const missed: Debated<Verdict>['missed'] = [];
  let stopped: Debated<Verdict>['stopped'] = 'rounds';
  let round = 0;
  try {
    while (round < of && stopped === 'rounds') {
      if (deadline?.leftMs === 0) {
        stopped = 'deadline';
        break;
      }
      round += 1;
      showProgress(path, { pattern: 'debate', counts: { round, of } });
      await hold(round);
      if (Object.keys(sides).length - conceded.length < 2) stopped = 'conceded';
    }
    if (said.length === 0) {
      const told = missed.slice(0, mostSides).map(({ by, error }) => `${by}: ${error.type}: ${error.message}`);
      if (stopped !== 'deadline')
        throw fail('Pattern.TooFew', [`${path}: nobody has spoken`, ...told].join('\n'), path);
      throw fail('Step.DeadlineExceeded', [timedOut(path).message, ...told].join('\n'), path);
    }
    showProgress(path, { pattern: 'debate', counts: { round, of }, steps: { judge: 'running' } });
    const verdict = await complete(branchPath(path, 'judge'), () => judge({ question, said: [...said] }));
    return { verdict, said, stopped, rounds: round, conceded, missed };
  } finally {
    endProgress(path);
  }

  async function hold(current: number): Promise<void> {
    const before = [...said];
    const speakers = Object.entries(sides).filter(([name]) => !conceded.includes(name));
    const { results, isLate } = await runTurns(
      speakers.map(([name, { position, speak }]) => ({
        path: branchPath(branchPath(path, `round#${current}`), name),
        body: () => speak({ question, position, round: current, of, said: before }),
      })),
      { path, onFailure, deadline },
    );
    for (const [index, result] of results.entries()) {
      const by = speakers[index]![0];
      if (result.status !== 'completed') {
        missed.push({ by, round: current, error: result.error });
        if (isLate(result.error)) stopped = 'deadline';
        continue;
      }
      said.push({ by, round: current, text: result.output.text });
      if (result.output.concedes) conceded.push(by);
    }
  }
}

function checkOptions(names: readonly string[], rounds: number, timeout: Duration | undefined): void {
  const faults = [
    ...(names.length >= 2 && names.length <= mostSides
      ? []
      : [`sides: there are ${names.length}, not 2 to ${mostSides}`]),
    ...names.filter((name) => name === '').map(() => 'sides: one has no name'),
    ...rangeFaults({ rounds }, 1, mostRounds),
    ...durationFaults({ timeout }),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `debate: ${faults.join('; ')}`);
}
