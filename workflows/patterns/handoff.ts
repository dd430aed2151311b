import { patched } from '@temporalio/workflow';
import { type HandoffReply, type HandoffTurn, isPingPong, reservedPeers } from '../../core/peers.js';
import type { StepError } from '../../core/results.js';
import { Deadline, type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, nextPath } from '../scope.js';
import { rangeFaults } from './rangeFaults.js';
import { runTurns } from './runTurns.js';
import { usableReply } from './usableReply.js';

/** Somebody a task can be handed to. */
export interface HandoffPeer<Reply extends HandoffReply = HandoffReply> {
  /** What it is for; the others choose by it. */
  description: string;
  /** An agent with `handoffTurnSchema` and `handoffReplySchema`, or a function. */
  turn: (turn: HandoffTurn) => Promise<Reply>;
}

export type HandoffPeers = Readonly<Record<string, HandoffPeer>>;

export interface HandoffOptions<Peers extends HandoffPeers> {
  task: string;
  peers: Peers;
  /** Who begins. */
  start: NoInfer<keyof Peers & string>;
  /** Turns at most, of all together: 1 to 100. Default 12. */
  maxTurns?: number;
  /** How often each of two may have it back from the other before that is going nowhere. Default 2. */
  maxReturns?: number;
  /** `continue`: who fails is left out, and who had it before goes on; a spent budget ends it. Default `fail`. */
  onFailure?: 'fail' | 'continue';
  /** Limit of it all. Default: none. */
  timeout?: Duration;
}

export interface HandedOff<Peers extends HandoffPeers> {
  /** Why it ended: with an answer, or at a bound. */
  stopped: 'answered' | 'turns' | 'pingPong' | 'deadline' | 'budget' | 'failed';
  /** Whose the answer is. */
  by?: keyof Peers & string;
  answer?: Awaited<ReturnType<Peers[keyof Peers]['turn']>>;
  /** All that was said, the oldest first. */
  said: { by: keyof Peers & string; text: string; handTo?: keyof Peers & string }[];
  /** The last failure. */
  error?: StepError;
}

const mostTurns = 100;

/**
 * Peers who hand a task and the talk about it to each other until one of them answers:
 * `await handoff({ task, peers: { triage, billing }, start: 'triage' })`.
 *
 * @throws ApplicationFailure of the peer that failed; `Pattern.InvalidSteps` before anything runs
 */
export async function handoff<const Peers extends HandoffPeers>(
  options: HandoffOptions<Peers>,
): Promise<HandedOff<Peers>> {
  const { task, peers, start, maxTurns = 12, maxReturns = 2, onFailure = 'fail', timeout } = options;
  checkOptions(peers, start, { maxTurns, maxReturns }, timeout);
  const path = nextPath('handoff');
  const deadline = timeout === undefined ? undefined : Deadline.after(timeout, path);
  const here = new Set(Object.keys(peers));
  const said: { by: string; text: string; handTo?: string }[] = [];
  let holder: string = start;
  let error: StepError | undefined;
  const ended = (more: Pick<HandedOff<Peers>, 'stopped'> & Partial<HandedOff<Peers>>): HandedOff<Peers> => ({
    ...{ said, ...more },
    ...(error && { error }),
  });

  try {
    for (let turn = 1; turn <= maxTurns; turn += 1) {
      showProgress(path, { pattern: 'handoff', counts: { turn, of: maxTurns }, steps: { [holder]: 'running' } });
      if (deadline?.leftMs === 0) return ended({ stopped: 'deadline' });
      const others = [...here].filter((name) => name !== holder);
      const body = (): Promise<HandoffReply> => ask(task, said, peers, holder, others);
      const { results, late } = await runTurns([{ path: branchPath(path, `turn#${turn}`), body }], {
        ...{ path, onFailure, deadline },
      });
      const result = results[0]!;
      if (result.status === 'completed') {
        const { handTo, text } = result.output;
        if (handTo === null) {
          said.push({ by: holder, text });
          return ended({ stopped: 'answered', by: holder, answer: result.output as never });
        }
        said.push({ by: holder, text, handTo });
        holder = handTo;
        if (isPingPong([...said.map(({ by }) => by), holder], maxReturns)) return ended({ stopped: 'pingPong' });
        continue;
      }
      ({ error } = result);
      if (late) return ended({ stopped: 'deadline' });
      if (error.type === 'Budget.Exceeded' && patched('handoff-ends-at-budget')) return ended({ stopped: 'budget' });
      here.delete(holder);
      const before = said.findLast(({ by }) => here.has(by))?.by ?? [...here][0];
      if (before === undefined) return ended({ stopped: 'failed' });
      holder = before;
    }
    return ended({ stopped: 'turns' });
  } finally {
    endProgress(path);
  }
}

/** A reply that names nobody who is here, or says nothing, goes back to who gave it. */
async function ask(
  task: string,
  said: readonly { by: string; text: string }[],
  peers: HandoffPeers,
  holder: string,
  others: readonly string[],
): Promise<HandoffReply> {
  const turn: Omit<HandoffTurn, 'faults'> = {
    task,
    said: said.map(({ by, text }) => ({ by, text })),
    peers: others.map((name) => ({ name, description: peers[name]!.description })),
  };
  return usableReply(
    holder,
    (faults) => peers[holder]!.turn({ ...turn, faults }),
    ({ handTo, text }) => {
      if (text.trim() === '') return ['text is empty'];
      if (handTo === null || others.includes(handTo)) return [];
      return [`handTo: ${handTo.slice(0, 100)} is not here; there are: ${others.join(', ') || 'no others'}`];
    },
  );
}

function checkOptions(
  peers: HandoffPeers,
  start: string,
  { maxTurns, maxReturns }: Record<'maxTurns' | 'maxReturns', number>,
  timeout: Duration | undefined,
): void {
  const names = Object.keys(peers);
  const faults = [
    ...names.filter((name) => reservedPeers.includes(name)).map((name) => `peers: "${name}" is no name for a peer`),
    ...(names.includes(start) ? [] : [`start: ${start} is no peer; there are: ${names.join(', ')}`]),
    ...rangeFaults({ maxTurns, maxReturns }, 1, mostTurns),
    ...durationFaults({ timeout }),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `handoff: ${faults.join('; ')}`);
}
