import { type RoundsOptions, runRounds, type Stopped } from './rounds.js';

export interface Review {
  acceptable: boolean;
  /** What to change; handed to the next round's writer. */
  feedback: string[];
  /** How good the draft is, higher is better: the best draft is kept by it. Default: the last is the best. */
  score?: number | undefined;
}

export interface RefineOptions<Draft> extends RoundsOptions {
  /** Gets the reviewer's feedback on the draft before, and that draft; at first neither. */
  write: (feedback: string[] | undefined, previous: Draft | undefined) => Promise<Draft>;
  review: (draft: Draft) => Promise<Review>;
  /** Drafts written at most. Default 3. */
  maxRounds?: number;
}

export interface Refined<Draft> {
  /** The accepted draft, or the best one. */
  draft: Draft;
  acceptable: boolean;
  /** Drafts written and reviewed. */
  rounds: number;
  /** `met`: the reviewer accepted. */
  stopped: Stopped;
}

/**
 * Write, review, and write again with the reviewer's feedback, until the reviewer accepts or a bound is reached.
 * A draft that was never accepted is returned as such, not thrown away: look at `acceptable`.
 *
 * @throws ApplicationFailure of the writer or reviewer; `Step.DeadlineExceeded` when there is no draft in time; `Pattern.InvalidSteps`
 */
export async function refine<Draft>({
  write,
  review,
  maxRounds = 3,
  ...options
}: RefineOptions<Draft>): Promise<Refined<Draft>> {
  let feedback: string[] | undefined;
  let previous: Draft | undefined;
  const { best, rounds, stopped } = await runRounds({ ...options, pattern: 'refine', maxRounds }, async () => {
    const draft = await write(feedback, previous);
    const verdict = await review(draft);
    feedback = verdict.feedback;
    previous = draft;
    return { output: draft, met: verdict.acceptable, score: verdict.score };
  });
  return { draft: best.output, acceptable: best.met, rounds, stopped };
}
