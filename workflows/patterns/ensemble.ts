import type { Decided } from '../../core/decide/decision.js';
import {
  countVotes,
  type Vote,
  voteFaults,
  type Voting,
  type VotingExplanation,
  votingFaults,
} from '../../core/decide/countVotes.js';
import type { StepError } from '../../core/results.js';
import type { Duration } from '../deadline.js';
import { fail } from '../failure.js';
import { nextPath } from '../scope.js';
import { complete } from '../settle.js';
import { parallel } from './parallel.js';

export interface EnsembleOptions<Option extends string = string> extends Voting<Option> {
  /** Votes that have to come; the voters that then are missing do not count. Default: all of them. */
  quorum?: number;
  /** Limit of the whole vote: who has not voted by then is missing. Default: none. */
  timeout?: Duration;
  /** Limit of each voter. Default: none. */
  voterTimeout?: Duration;
}

export type Voters<Option extends string> = Readonly<Record<string, () => Promise<Vote<NoInfer<Option>>>>>;

export interface EnsembleExplanation<Option extends string = string> extends VotingExplanation<Option> {
  /** Voters without a vote, with `quorum`: why. */
  missing: Record<string, StepError>;
}

/**
 * Ask several agents or functions at once for their votes, and decide by them.
 *
 * @returns null for a tie, or when the rule is not met
 * @throws ApplicationFailure of the first voter that fails, without `quorum`; `Pattern.TooFew` under the quorum;
 *   `Decision.InvalidVote` as a voter's failure; `Step.DeadlineExceeded`; `Pattern.InvalidSteps` before anybody is asked
 */
export async function ensemble<const Option extends string>(
  voters: Voters<Option>,
  { quorum, timeout, voterTimeout, ...voting }: EnsembleOptions<Option>,
): Promise<Decided<Option | null, EnsembleExplanation<Option>>> {
  const names = Object.keys(voters);
  const faults = [
    ...votingFaults(voting, names),
    ...(names.length > 0 ? [] : ['voters: there is none']),
    ...(quorum === undefined || (Number.isInteger(quorum) && quorum >= 1 && quorum <= names.length)
      ? []
      : [`quorum: ${quorum} is not between 1 and the ${names.length} voters`]),
  ];
  if (faults.length > 0) throw fail('Pattern.InvalidSteps', `ensemble: ${faults.join('; ')}`);

  const ballots = Object.fromEntries(
    Object.entries<() => Promise<Vote<Option>>>(voters).map(([name, ask]) => [name, () => valid(voting, name, ask)]),
  );
  const limits = {
    ...(timeout !== undefined && { timeout }),
    ...(voterTimeout !== undefined && { branchTimeout: voterTimeout }),
  };
  const votes: Record<string, Vote<Option>> = {};
  const missing: Record<string, StepError> = {};
  await complete(nextPath('ensemble'), async () => {
    if (quorum === undefined) return void Object.assign(votes, await parallel(ballots, limits));
    const results = await parallel(ballots, { ...limits, onFailure: 'continue', minimum: quorum });
    for (const [name, result] of Object.entries(results)) {
      if (result.status === 'completed') votes[name] = result.output;
      else missing[name] = result.error;
    }
  });
  const counted = countVotes(voting, votes);
  if (!('decision' in counted)) throw fail('Pattern.InvalidSteps', `ensemble: ${JSON.stringify(counted)}`);
  return { decision: counted.decision, explanation: { ...counted.explanation, missing } };
}

async function valid<Option extends string>(
  voting: Voting<Option>,
  name: string,
  ask: () => Promise<Vote<Option>>,
): Promise<Vote<Option>> {
  const given = await ask();
  const faults = voteFaults(voting, given);
  if (faults.length > 0) throw fail('Decision.InvalidVote', `${name}: ${faults.join('; ')}`);
  const { vote, confidence, reason } = given;
  return { vote, ...(confidence !== undefined && { confidence }), ...(reason !== undefined && { reason }) };
}
