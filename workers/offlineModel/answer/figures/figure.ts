import type { Scale } from '../lexicon/money.js';

/** A number with where it stands. `scale` is that of the value: 5,200 with `crore`. */
export interface Amount {
  readonly value: number;
  readonly page: number | null;
}

/** A quantity of this period beside the same of a year before. Absent is null: nothing is ever derived but the growth. */
export interface Figure {
  readonly current: Amount | null;
  readonly prior: Amount | null;
  /** Per cent; as stated, else computed from both amounts. */
  readonly growthPercent: Amount | null;
  readonly scale: Scale | null;
  readonly currency: string | null;
  /** How far the place it was found in can be trusted; compares candidates only. */
  readonly score: number;
}
