import { nextPath, withinBranch } from '../scope.js';

export interface Review {
  acceptable: boolean;
  /** What to change; handed to the next round's writer. */
  feedback: string[];
}

export interface RefineOptions<Draft> {
  write: (feedback: string[] | undefined) => Promise<Draft>;
  review: (draft: Draft) => Promise<Review>;
  /** Drafts written at most. Default 3. */
  maxRounds?: number;
}

export interface Refined<Draft> {
  /** The accepted draft, or the last one. */
  draft: Draft;
  acceptable: boolean;
  /** Drafts written. */
  rounds: number;
}

/**
 * Write, review, and write again with the reviewer's feedback, until the reviewer accepts or the rounds are used up.
 * A draft that was never accepted is returned as such, not thrown away: look at `acceptable`.
 */
export async function refine<Draft>({ write, review, maxRounds = 3 }: RefineOptions<Draft>): Promise<Refined<Draft>> {
  const path = nextPath('refine');
  let feedback: string[] | undefined;
  for (let round = 1; ; round += 1) {
    const { draft, verdict } = await withinBranch(path, `round#${round}`, async () => {
      const draft = await write(feedback);
      return { draft, verdict: await review(draft) };
    });
    if (verdict.acceptable || round >= maxRounds) return { draft, acceptable: verdict.acceptable, rounds: round };
    feedback = verdict.feedback;
  }
}
