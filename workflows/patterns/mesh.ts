/**
 * Peers who write to each other without anybody in charge.
 *
 * Invariants:
 * 1. Mail is delivered between rounds: all peers of a round see what was sent before it, whoever answers first.
 * 2. It ends: after its rounds at the latest, and before when all are done, nobody writes, or only two do.
 * 3. What it keeps is bounded: mail of a turn, lines of a thread, messages of the result.
 */
import {
  addressed,
  type MeshReply,
  type MeshTurn,
  onlyPair,
  type PeerMessage,
  reservedPeers,
  waitCycle,
} from '../../core/peers.js';
import type { StepError } from '../../core/results.js';
import { Deadline, type Duration, durationFaults } from '../deadline.js';
import { fail } from '../failure.js';
import { endProgress, showProgress } from '../progress.js';
import { branchPath, nextPath } from '../scope.js';
import { rangeFaults } from './rangeFaults.js';
import { runTurns } from './runTurns.js';

export interface MeshPeer<Reply extends MeshReply = MeshReply> {
  /** What it is for; the others write to it by it. */
  description: string;
  /** An agent with `meshTurnSchema` and `meshReplySchema`, or a function; called when there is mail for it. */
  turn: (turn: MeshTurn) => Promise<Reply>;
}

export type MeshPeers = Readonly<Record<string, MeshPeer>>;

export interface MeshOptions<Peers extends MeshPeers> {
  goal: string;
  /** 2 to 20. */
  peers: Peers;
  /** Who begins. Default: all. */
  start?: readonly NoInfer<keyof Peers & string>[];
  /** Rounds at most: 1 to 100. Default 12. */
  maxRounds?: number;
  /** Messages of one peer in one turn, 1 to 20; the others are not delivered, and it is told. Default 10. */
  maxMessages?: number;
  /** Rounds in which only two of more peers write, and to each other alone, before that is going nowhere. Default 6. */
  maxExchange?: number;
  /** `continue`: who fails is left out, and the others go on. Default `fail`. */
  onFailure?: 'fail' | 'continue';
  /** Limit of it all. Default: none. */
  timeout?: Duration;
}

export interface Meshed<Peers extends MeshPeers> {
  /** `consensus`: all were done. `quiet`: nobody wrote any more. `deadlock`: and those in `waiting` wait for each other. */
  stopped: 'consensus' | 'quiet' | 'deadlock' | 'pingPong' | 'rounds' | 'deadline' | 'budget' | 'failed';
  rounds: number;
  /** The last reply of each. */
  replies: { [Name in keyof Peers]?: Awaited<ReturnType<Peers[Name]['turn']>> };
  /** The newest 500. */
  messages: PeerMessage[];
  /** Each waits for the next, and the last for the first. */
  waiting?: string[];
  /** Those who were left out. */
  failed?: Record<string, StepError>;
}

interface MeshSettings extends MeshOptions<MeshPeers> {
  maxRounds: number;
  maxMessages: number;
  maxExchange: number;
  onFailure: 'fail' | 'continue';
}

const mostPeers = 20;
const mostRounds = 100;
const mostMessages = 20;
const keptMessages = 500;
const keptLines = 50;

/**
 * Let peers write to each other until all are done: `const { stopped, replies } = await mesh({ goal, peers: { editor, reporter } })`.
 *
 * @throws ApplicationFailure of a peer that failed; `Pattern.InvalidSteps` before anything runs
 */
export async function mesh<const Peers extends MeshPeers>(options: MeshOptions<Peers>): Promise<Meshed<Peers>> {
  const { maxRounds = 12, maxMessages = 10, maxExchange = 6, onFailure = 'fail' } = options;
  const given = options as unknown as MeshOptions<MeshPeers>;
  const settings: MeshSettings = { ...given, maxRounds, maxMessages, maxExchange, onFailure };
  checkOptions(settings);
  const path = nextPath('mesh');
  try {
    return (await new Mesh(path, settings).run()) as Meshed<Peers>;
  } finally {
    endProgress(path);
  }
}

class Mesh {
  private readonly deadline: Deadline | undefined;
  private readonly replies = new Map<string, MeshReply>();
  private readonly failed = new Map<string, StepError>();
  private readonly faults = new Map<string, string[]>();
  /** By peer, what it has sent and got before its inbox. */
  private readonly threads = new Map<string, PeerMessage[]>();
  /** Sent in the round before, to be read in this one. */
  private mail: PeerMessage[] = [];
  /** Of the last rounds, as many as `maxExchange`. */
  private recent: PeerMessage[][] = [];
  private messages: PeerMessage[] = [];

  constructor(
    private readonly path: string,
    private readonly options: MeshSettings,
  ) {
    this.deadline = options.timeout === undefined ? undefined : Deadline.after(options.timeout, path);
  }

  async run(): Promise<Meshed<MeshPeers>> {
    const { peers, start, maxRounds, maxExchange } = this.options;
    for (let round = 1; round <= maxRounds; round += 1) {
      const awake =
        round === 1 ? [...new Set(start ?? Object.keys(peers))] : this.here.filter((name) => has(this.mail, name));
      if (awake.length === 0) return this.silent(round - 1);
      if (this.deadline?.leftMs === 0) return this.ended('deadline', round - 1);
      const stopped = await this.round(round, awake);
      if (stopped) return this.ended(stopped, round);
      if (this.here.every((name) => this.replies.get(name)?.done)) return this.ended('consensus', round);
      if (this.here.length > 2 && onlyPair(this.recent, maxExchange)) return this.ended('pingPong', round);
    }
    return this.ended('rounds', maxRounds);
  }

  private get here(): string[] {
    return Object.keys(this.options.peers).filter((name) => !this.failed.has(name));
  }

  /** @returns why it cannot go on */
  private async round(round: number, awake: readonly string[]): Promise<'deadline' | 'budget' | 'failed' | undefined> {
    const { peers, maxRounds, maxMessages: most, onFailure } = this.options;
    const states = Object.fromEntries(awake.map((name) => [name, 'running']));
    showProgress(this.path, { pattern: 'mesh', counts: { round, of: maxRounds }, steps: states });
    const place = branchPath(this.path, `round#${round}`);
    const turns = awake.map((name) => ({ name, turn: this.turnOf(name, round) }));
    const { results, isLate, late } = await runTurns(
      turns.map(({ name, turn }) => ({ path: branchPath(place, name), body: () => peers[name]!.turn(turn) })),
      { path: this.path, onFailure, deadline: this.deadline },
    );
    const sent: PeerMessage[] = [];
    for (const [index, result] of results.entries()) {
      const { name } = turns[index]!;
      if (result.status === 'completed') {
        this.replies.set(name, result.output);
        const others = this.here.filter((other) => other !== name);
        const { mail, faults } = addressed(name, result.output.messages, { others, most });
        sent.push(...mail);
        this.faults.set(name, faults);
      } else if (!isLate(result.error)) this.failed.set(name, result.error);
    }
    this.pass(sent.filter(({ to }) => !this.failed.has(to)));
    if (late) return 'deadline';
    if ([...this.failed.values()].some(({ type }) => type === 'Budget.Exceeded')) return 'budget';
    return this.here.length === 0 ? 'failed' : undefined;
  }

  private pass(sent: PeerMessage[]): void {
    for (const name of this.here) {
      const read = this.mail.filter(({ to }) => to === name);
      const own = sent.filter(({ from }) => from === name);
      this.threads.set(name, [...(this.threads.get(name) ?? []), ...read, ...own].slice(-keptLines));
    }
    this.mail = sent;
    this.recent = [...this.recent, sent].slice(-this.options.maxExchange);
    this.messages = [...this.messages, ...sent].slice(-keptMessages);
  }

  private turnOf(name: string, round: number): MeshTurn {
    const { goal, peers } = this.options;
    return {
      ...{ goal, you: name, round },
      peers: this.here
        .filter((other) => other !== name)
        .map((other) => ({ name: other, description: peers[other]!.description })),
      inbox: this.mail.filter(({ to }) => to === name).map(({ from, text }) => ({ from, text })),
      thread: [...(this.threads.get(name) ?? [])],
      faults: this.faults.get(name) ?? [],
    };
  }

  /** Nobody has mail. */
  private silent(rounds: number): Meshed<MeshPeers> {
    const waits = Object.fromEntries(
      this.here
        .filter((name) => !this.replies.get(name)?.done)
        .map((name) => [name, (this.replies.get(name)?.waitsFor ?? []).filter((other) => this.here.includes(other))]),
    );
    const waiting = waitCycle(waits);
    return waiting ? { ...this.ended('deadlock', rounds), waiting } : this.ended('quiet', rounds);
  }

  private ended(stopped: Meshed<MeshPeers>['stopped'], rounds: number): Meshed<MeshPeers> {
    const failed = this.failed.size > 0 ? { failed: Object.fromEntries(this.failed) } : {};
    return { stopped, rounds, replies: Object.fromEntries(this.replies), messages: this.messages, ...failed };
  }
}

function has(mail: readonly PeerMessage[], name: string): boolean {
  return mail.some(({ to }) => to === name);
}

function checkOptions({ peers, start, maxRounds, maxMessages, maxExchange, timeout }: MeshSettings): void {
  const names = Object.keys(peers);
  const faults = [
    ...(names.length >= 2 && names.length <= mostPeers
      ? []
      : [`peers: there are ${names.length}, not 2 to ${mostPeers}`]),
    ...names.filter((name) => reservedPeers.includes(name)).map((name) => `peers: "${name}" is no name for a peer`),
    ...(start?.length === 0 ? ['start: nobody begins'] : []),
    ...(start ?? []).filter((name) => !names.includes(name)).map((name) => `start: ${name} is no peer`),
    ...rangeFaults({ maxRounds, maxExchange }, 1, mostRounds),
    ...rangeFaults({ maxMessages }, 1, mostMessages),
    ...durationFaults({ timeout }),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `mesh: ${faults.join('; ')}`);
}
