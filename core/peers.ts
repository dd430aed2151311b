/**
 * What agents that work as peers are told and say, and when their talk goes nowhere.
 *
 * The schemas are for the agents of `handoff`, `mesh` and `debate`: extend a reply's with the fields of your own answer.
 */
import { z } from 'zod';

const peerSchema = z.object({ name: z.string(), description: z.string() });

/** The input of a peer whom a task may be handed to. */
export const handoffTurnSchema = z.object({
  task: z.string(),
  /** What was said so far, the oldest first. */
  said: z.array(z.object({ by: z.string(), text: z.string() })),
  /** Whom it can be handed to. */
  peers: z.array(peerSchema),
  /** What was wrong with the reply before. */
  faults: z.array(z.string()),
});

/** The output of such a peer. */
export const handoffReplySchema = z.object({
  handTo: z.string().nullable().describe('The peer who is to go on; null when text is the answer to the task'),
  text: z.string().describe('The answer, or what the next peer has to know'),
});

/** The input of a peer of a mesh. */
export const meshTurnSchema = z.object({
  goal: z.string(),
  /** Its own name. */
  you: z.string(),
  peers: z.array(peerSchema),
  round: z.number(),
  /** Since its last turn. */
  inbox: z.array(z.object({ from: z.string(), text: z.string() })),
  /** What it has sent and got before that, the oldest first. */
  thread: z.array(z.object({ from: z.string(), to: z.string(), text: z.string() })),
  /** What was wrong with its reply before. */
  faults: z.array(z.string()),
});

/** The output of such a peer. */
export const meshReplySchema = z.object({
  messages: z.array(z.object({ to: z.string().describe('A peer, or "all"'), text: z.string() })),
  waitsFor: z.array(z.string()).describe('Peers whose word is needed to go on'),
  done: z.boolean().describe('Whether the goal is reached, as far as this peer is concerned'),
});

/** The input of a side of a debate. */
export const debateTurnSchema = z.object({
  question: z.string(),
  position: z.string(),
  round: z.number(),
  /** Rounds there are. */
  of: z.number(),
  /** In the rounds before; sides of one round do not hear each other. */
  said: z.array(z.object({ by: z.string(), round: z.number(), text: z.string() })),
});

/** The output of such a side. */
export const debateReplySchema = z.object({
  text: z.string(),
  concedes: z.boolean().describe('Whether the others have convinced this side'),
});

export type HandoffTurn = z.output<typeof handoffTurnSchema>;
export type HandoffReply = z.output<typeof handoffReplySchema>;
export type MeshTurn = z.output<typeof meshTurnSchema>;
export type MeshReply = z.output<typeof meshReplySchema>;
export type DebateTurn = z.output<typeof debateTurnSchema>;
export type DebateReply = z.output<typeof debateReplySchema>;

export interface PeerMessage {
  from: string;
  to: string;
  text: string;
}

/** Names that stand for no peer. */
export const reservedPeers: readonly string[] = ['', 'all', '__proto__'];

/** Whether the last of `holders` has it back from the same other one more often than `returns` times. */
export function isPingPong(holders: readonly string[], returns: number): boolean {
  const last = holders.slice(-(2 * returns + 3));
  const [first, second] = last;
  if (last.length < 2 * returns + 3 || first === second) return false;
  return last.every((holder, index) => holder === (index % 2 === 0 ? first : second));
}

/** The two who were the only ones to send in each of the last `rounds`, and only to each other; none when there is no such pair. */
export function onlyPair(
  rounds: readonly (readonly PeerMessage[])[],
  last: number,
): readonly [string, string] | undefined {
  const recent = rounds.slice(-last);
  if (recent.length < last || recent.some((messages) => messages.length === 0)) return undefined;
  const names = new Set<string>();
  for (const messages of recent) {
    for (const { from, to } of messages) {
      // Rounds hold thousands of messages where many write: the third name is enough.
      if (names.add(from).add(to).size > 2) return undefined;
    }
  }
  const [one, other] = [...names].sort();
  return one !== undefined && other !== undefined ? [one, other] : undefined;
}

/** A circle of peers each of whom waits for the next: `[a, b]` when a waits for b and b for a. */
export function waitCycle(waits: Readonly<Record<string, readonly string[]>>): string[] | undefined {
  const settled = new Set<string>();
  const search = (name: string, trail: readonly string[]): string[] | undefined => {
    if (trail.includes(name)) return trail.slice(trail.indexOf(name));
    if (settled.has(name)) return undefined;
    for (const next of waits[name] ?? []) {
      const cycle = search(next, [...trail, name]);
      if (cycle) return cycle;
    }
    settled.add(name);
    return undefined;
  };
  for (const name of Object.keys(waits)) {
    const cycle = search(name, []);
    if (cycle) return cycle;
  }
  return undefined;
}

/** Characters of a message. */
const longestText = 10_000;

/** What of a peer's messages is delivered, and what it is told of the rest. */
export function addressed(
  from: string,
  messages: MeshReply['messages'],
  { others, most }: { others: readonly string[]; most: number },
): { mail: PeerMessage[]; faults: string[] } {
  const faults: string[] = [];
  const mail: PeerMessage[] = [];
  for (const { to, text: whole } of messages.slice(0, most)) {
    const text = whole.slice(0, longestText);
    if (text.length < whole.length)
      faults.push(`a message to ${to.slice(0, 100)} was cut to ${longestText} characters`);
    if (to === 'all') mail.push(...others.map((name) => ({ from, to: name, text })));
    else if (others.includes(to)) mail.push({ from, to, text });
    else faults.push(`${to.slice(0, 100)} is not here; there are: ${others.join(', ')}`);
  }
  if (messages.length > most) {
    faults.push(`${messages.length - most} messages were not delivered: at most ${most} in a turn`);
  }
  return { mail, faults };
}
