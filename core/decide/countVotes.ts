/**
 * Votes of several voters as one decision.
 *
 * Invariants:
 * 1. A tie decides nothing: neither does a majority that is none, nor a single vote against with `unanimous`. The decision is null.
 * 2. `calibrated` weighs a vote with log-odds: ln(p·(k − 1)/(1 − p)) for one of k options, p the probability that the voter is
 *    right. For two options that is the optimal rule of Nitzan & Paroush (1982), for more that of Ben-Yashar & Paroush (2001), for
 *    voters who err independently, and are as likely to err one way as another. Sums of weights are then log-probabilities: the
 *    tally is how probable each option is, if before the votes all were alike. A p below 1/k counts against what it says.
 * 3. p is the confidence as stated, at a temperature T: logit(p) = logit(stated)/T (Platt scaling without its offset, as in Guo et
 *    al. 2017). Over 1 it takes back what a voter claims too much. What is stated counts as 0.01 to 0.99.
 */
import { type Decided, type NoDecision, told } from './decision.js';

export interface Vote<Option extends string = string> {
  vote: Option;
  /** How probable it is that the vote is right, from 0 to 1. */
  confidence?: number | undefined;
  /** For the explanation. */
  reason?: string | undefined;
}

export const votingRules = ['majority', 'unanimous', 'weighted', 'calibrated'] as const;
export type VotingRule = (typeof votingRules)[number];

export interface Voting<Option extends string = string> {
  /** What may be voted for. */
  options: readonly Option[];
  /** Default `majority`: over half of the votes. `weighted`: the most weight. */
  rule?: VotingRule | undefined;
  /** With `weighted`: voter → weight, 0 or more. Default 1. */
  weights?: Readonly<Record<string, number>> | undefined;
  /** With `calibrated`: voter → temperature, over 0. Default 1: confidences as stated. */
  temperatures?: Readonly<Record<string, number>> | undefined;
  /** With `calibrated`: an option less probable is no decision. Default 0. */
  minConfidence?: number | undefined;
}

export interface VotingExplanation<Option extends string = string> {
  method: 'ensemble';
  text: string;
  rule: VotingRule;
  /** Votes of an option; `weighted`: their weight; `calibrated`: its probability. */
  tally: Record<Option, number>;
  /** What each voter has said, and the weight it had. */
  votes: Record<string, Vote<Option> & { weight: number }>;
  /** Options with equally many votes, as much weight or probability, where that is why there is no decision. */
  tied: Option[];
}

const leastStated = 0.01;

export function countVotes<Option extends string>(
  voting: Voting<Option>,
  votes: Readonly<Record<string, Vote<Option>>>,
): Decided<Option | null, VotingExplanation<Option>> | NoDecision {
  const invalid = votingFaults(voting);
  if (invalid.length > 0) return { invalid };
  const { options, rule = 'majority', minConfidence = 0 } = voting;
  const faults = Object.entries(votes).flatMap(([voter, vote]) =>
    voteFaults(voting, vote).map((fault) => `${voter}: ${fault}`),
  );
  if (faults.length > 0) return { impossible: faults.join('; ') };

  const weighed = Object.entries(votes).map(([voter, vote]) => ({
    voter,
    ...vote,
    weight: weightOf(voting, voter, vote),
  }));
  const sums = options.map((option) =>
    weighed.reduce((sum, { vote, weight }) => (vote === option ? sum + weight : sum), 0),
  );
  const tallied = rule === 'calibrated' ? softmax(sums) : sums;
  const most = Math.max(...tallied);
  const leading = options.filter((_, index) => most - tallied[index]! <= most * 1e-12);
  const [first] = leading;
  const total = tallied.reduce((sum, count) => sum + count, 0);
  const tied = rule !== 'unanimous' && leading.length > 1 ? leading : [];
  const split = { rule, most, total, tied, first: first!, minConfidence };
  const why = weighed.length === 0 ? 'nobody has voted' : whyUndecided(split);
  const tally = Object.fromEntries(options.map((option, index) => [option, tallied[index]!])) as Record<Option, number>;
  const counted = options.map((option) => `${option} ${Number(tally[option].toPrecision(3))}`).join(', ');
  return {
    decision: why === undefined ? first! : null,
    explanation: {
      method: 'ensemble',
      text: `${why === undefined ? first : `no decision, ${why}`} (${rule}): ${counted}`,
      rule,
      tally,
      votes: Object.fromEntries(weighed.map(({ voter, ...vote }) => [voter, vote])),
      tied: most > 0 ? tied : [],
    },
  };
}

interface Split {
  rule: VotingRule;
  most: number;
  total: number;
  tied: readonly string[];
  first: string;
  minConfidence: number;
}

function whyUndecided({ rule, most, total, tied, first, minConfidence }: Split): string | undefined {
  if (most === 0) return 'no vote has any weight';
  if (tied.length > 0) return `a tie of ${tied.join(', ')}`;
  if (rule === 'unanimous' && most < total) return 'the votes differ';
  if (rule === 'majority' && most * 2 <= total) return 'no option has over half of the votes';
  if (rule === 'calibrated' && most < minConfidence) return `${first} is less probable than ${minConfidence}`;
  return undefined;
}

function weightOf({ options, rule, weights = {}, temperatures = {} }: Voting, voter: string, vote: Vote): number {
  if (rule === 'weighted') return ownOr(weights, voter, 1);
  if (rule !== 'calibrated') return 1;
  const stated = Math.min(Math.max(vote.confidence!, leastStated), 1 - leastStated);
  return Math.log(stated / (1 - stated)) / ownOr(temperatures, voter, 1) + Math.log(options.length - 1);
}

function ownOr(values: Readonly<Record<string, number>>, name: string, otherwise: number): number {
  return Object.hasOwn(values, name) ? values[name]! : otherwise;
}

function softmax(sums: readonly number[]): number[] {
  const most = Math.max(...sums);
  const powers = sums.map((sum) => Math.exp(sum - most));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

/** What is wrong with a vote; it may come from a model, whatever its type says. */
export function voteFaults({ options, rule }: Voting, vote: Vote): string[] {
  const { vote: option, confidence } = (vote ?? {}) as Partial<Vote>;
  const stated = typeof confidence === 'number' && confidence >= 0 && confidence <= 1;
  return [
    ...(options.includes(option as string) ? [] : [`vote: ${told(option ?? null)} is none of ${options.join(', ')}`]),
    ...(stated || (confidence === undefined && rule !== 'calibrated')
      ? []
      : [`confidence: ${told(confidence ?? null)} is no number from 0 to 1`]),
  ];
}

/** @param voters all there are; without it their names are not checked */
export function votingFaults(voting: Voting, voters?: readonly string[]): string[] {
  const { options, rule = 'majority', weights, temperatures, minConfidence } = voting;
  const numbers = (
    name: string,
    values: Readonly<Record<string, number>>,
    fits: (value: number) => boolean,
  ): string[] =>
    Object.entries(values).flatMap(([voter, value]) => [
      ...(!voters || voters.includes(voter) ? [] : [`${name}.${voter}: there is no voter of that name`]),
      ...(Number.isFinite(value) && fits(value) ? [] : [`${name}.${voter}: ${value} is out of range`]),
    ]);
  return [
    ...(options.length >= 2 && new Set(options).size === options.length
      ? []
      : ['options: name two or more, each once']),
    ...(votingRules.includes(rule) ? [] : [`rule: ${told(rule)} is none of ${votingRules.join(', ')}`]),
    ...(weights && rule !== 'weighted' ? ['weights: only with rule: weighted'] : []),
    ...(rule !== 'calibrated' && temperatures ? ['temperatures: only with rule: calibrated'] : []),
    ...(rule !== 'calibrated' && minConfidence !== undefined ? ['minConfidence: only with rule: calibrated'] : []),
    ...numbers('weights', weights ?? {}, (weight) => weight >= 0),
    ...numbers('temperatures', temperatures ?? {}, (temperature) => temperature > 0),
    ...(minConfidence === undefined || (minConfidence >= 0 && minConfidence <= 1)
      ? []
      : [`minConfidence: ${minConfidence} is not between 0 and 1`]),
  ];
}
