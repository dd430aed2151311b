/** A composition of patterns as data: what the tests of the patterns run, by hand and at random. */
import type { ErrorType } from '../../../../core/errors.js';
import type { Duration } from '../../../../workflows/deadline.js';
import type { EnsembleOptions } from '../../../../workflows/index.js';

export type Spec =
  | { do: 'value'; value: unknown }
  /** Sleeps, then gives `value`. */
  | { do: 'sleep'; ms: number; value?: unknown }
  | { do: 'fail'; message: string; afterMs?: number; type?: ErrorType }
  /** What is cancelled by nobody around it: a scope of its own, after so long. */
  | { do: 'cancelSelf'; afterMs: number }
  /** `body`, which does not end for a cancellation. */
  | { do: 'shielded'; body: Spec }
  /** A plain Error, as a bug in a user's workflow throws it. */
  | { do: 'bug' }
  | { do: 'note'; text: string }
  /** As `note`, by an activity of its own. */
  | { do: 'effect'; text: string }
  | {
      do: 'parallel';
      branches: Record<string, Spec> | Spec[];
      options?: {
        onFailure?: 'fail' | 'continue';
        concurrency?: number;
        timeout?: Duration;
        branchTimeout?: Duration;
        minimum?: number;
      };
    }
  | { do: 'race'; branches: Record<string, Spec>; timeout?: Duration }
  | { do: 'hedge'; attempts: Spec[]; after: Duration; timeout?: Duration }
  | { do: 'fallback'; ways: Record<string, Spec>; onlyWhen?: string }
  | { do: 'timeout'; timeout: Duration; body: Spec }
  /** Branches that meet `rounds` times, each after a sleep of its own; a party with a `leavesAfterMs` waits no longer. */
  | {
      do: 'barrier';
      sleepsMs: number[];
      rounds: number;
      timeout: Duration;
      parties?: number;
      leavesAfterMs?: (number | null)[];
    }
  /** Steps in order; each notes its own name, and its undoing when it has one. */
  | {
      do: 'sequential';
      steps: SequenceStep[];
      timeout?: Duration;
      maxSteps?: number;
      onError?: Spec;
      onSuccess?: Spec;
      settle?: boolean;
    }
  /** Each step notes its own name and gives its body's output; see `DagSpecStep`. */
  | {
      do: 'dag';
      steps: Record<string, DagSpecStep>;
      onFailure?: 'fail' | 'continue';
      concurrency?: number;
      timeout?: Duration;
      done?: Record<string, unknown>;
    }
  /** Draft and review N of the lists in round N; the last of each is repeated. Notes the feedback each draft is written with. */
  | ({ do: 'refine'; drafts: Spec[]; reviews: ReviewSpec[] } & RoundsSpec)
  /** Outputs of the list, round by round, until one equals `until`. */
  | ({
      do: 'repeat';
      outputs: Spec[];
      until: unknown;
      maxRounds: number;
      scored?: boolean;
      delay?: Duration;
      backoff?: number;
    } & RoundsSpec)
  | {
      do: 'supervise';
      drafts: Spec[];
      reviews: ReviewSpec[];
      escalate: Record<string, Spec>;
      maxRounds?: number;
      onFailure?: 'fail' | 'escalate';
      timeout?: Duration;
    }
  /** Its fallback notes why it was taken. */
  | {
      do: 'route';
      input: unknown;
      rules?: { when: string; to: string }[];
      classify?: Spec;
      minConfidence?: number;
      routes: Record<string, Spec>;
      fallback: Spec;
      onFailure?: 'fail' | 'fallback';
      timeout?: Duration;
    }
  /** Voters give `{ vote, confidence?, reason? }`. */
  | ({ do: 'ensemble'; voters: Record<string, Spec> } & EnsembleOptions)
  /** `amount`: its data have to have one. */
  | { do: 'event'; name: string; key?: string; timeout?: Duration; amount?: boolean }
  | { do: 'sleepUntil'; inMs: number }
  /** Bodies of the list, round by round; the last is repeated. */
  | { do: 'every'; every: Duration; times?: number; untilMs?: number; onFailure?: 'fail' | 'continue'; rounds: Spec[] }
  | { do: 'approval'; name: string; options?: Record<string, unknown> }
  /** Runs it as a child workflow. */
  | { do: 'child'; spec: Spec }
  /** Notes each text, in batches; with a body, runs that for each of them in this workflow. `reducing` runs in each reduction. */
  | {
      do: 'map';
      texts: string[];
      body?: Spec;
      reducing?: Spec;
      onFailure?: 'fail' | 'continue';
      timeout?: Duration;
    }
  /** A child workflow for each, its outputs in a list; failed ones are listed. */
  | { do: 'mapChildren'; specs: Spec[] }
  /** Of five model calls, of which none is made. */
  | { do: 'budget'; body: Spec }
  /** By a table: whether `n` is over 1. */
  | { do: 'decide'; n: number }
  /** A plan whose steps note each text, one after the other. */
  | { do: 'planned'; texts: string[] }
  /** `body`, so many rounds, as a loop in a child workflow. */
  | { do: 'looped'; body: Spec; rounds: number }
  /** All or nothing; `undo` is registered before the body runs. */
  | { do: 'saga'; body: Spec; undo: Spec }
  /** Peer N runs its body and hands on to `to[N]`; null answers with what the body gave. */
  | ({ do: 'handoff'; peers: Spec[]; to: (string | null)[]; maxTurns?: number } & PeersSpec)
  /** Each peer runs its body in each of its turns, writes to all, and is done after `doneAfter` turns. */
  | ({ do: 'mesh'; peers: Spec[]; doneAfter: number; maxRounds?: number } & PeersSpec)
  | ({ do: 'debate'; sides: Spec[]; judge: Spec; rounds?: number } & PeersSpec)
  /** The top gives an order to each of the posts, who run their bodies and propose what costs `costs[N]`; each may spend 10, the top 100. */
  | ({ do: 'hierarchy'; posts: Spec[]; costs: number[]; person: Spec } & PeersSpec)
  /** Notes what became of `body` when it is cancelled, and goes on being cancelled. */
  | { do: 'watch'; body: Spec; text: string };

export interface Composition {
  case: string;
  spec: Spec;
}

export interface SequenceStep {
  name: string;
  body: Spec;
  needs?: string[];
  /** Notes `undo NAME OUTPUT`, in a child workflow if so told; `fails` so many times before it works. */
  undo?: { fails: number; inChild?: boolean };
  /** A decision point: chooses these one after the other, at each visit the next. */
  choose?: string[];
  among?: string[];
}

export interface DagSpecStep {
  body: Spec;
  after?: string[];
  needs?: 'completed' | 'ended';
  /** What the condition says; it is asked once. */
  when?: boolean;
  retry?: { attempts: number; delay?: Duration };
  /** Fails so many times before the body runs. */
  fails?: number;
  timeout?: Duration;
  fallback?: Spec;
  /** Gives the outputs it got instead of the body's. */
  tellsOutputs?: boolean;
}

export interface ReviewSpec {
  acceptable: boolean;
  feedback: string[];
  score?: number;
}

interface PeersSpec {
  onFailure?: 'fail' | 'continue';
  timeout?: Duration;
}

interface RoundsSpec {
  maxRounds?: number;
  patience?: number;
  timeout?: Duration;
  onFailure?: 'fail' | 'continue';
}
