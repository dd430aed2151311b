/** What `mapReduce` takes and gives back. */
import type { ItemFailure } from '../../core/batches.js';
import type { DocumentRef } from '../../core/document.js';
import type { PatternResult } from '../../core/results.js';
import type { SplitOptions, TextPart } from '../../core/split.js';
import type { Duration } from '../deadline.js';

/** A text, or a document that `readDocument` reads, to be cut into items. */
export type TextSource = { text: string; split: SplitOptions } | { document: DocumentRef; split: SplitOptions };

export type MapItems<Item> = readonly Item[] | ([TextPart] extends [Item] ? TextSource : never);

/**
 * What is done with each item. A tool or an agent of a proxy works in batches; a workflow of the project gets a child workflow an
 * item; any other function runs in this workflow, for at most 1,000 items.
 */
export type MapStep<Item, Mapped> = ((item: Item) => Promise<Mapped>) | { workflow: (item: Item) => Promise<Mapped> };

/** A tool or an agent of a proxy reduces where the outputs are; any other function in this workflow. */
export type ReduceStep<Part, Reduced> = (parts: Part[]) => Reduced | Promise<Reduced>;

export interface MapReduceOptions<Item, Mapped> {
  items: MapItems<Item>;
  map: MapStep<Item, Mapped>;
  /** Outputs one reduction gets at most. Default 50. */
  fanIn?: number;
  /** Items of a batch at most. Default: up to 500 for a tool and 100 for anything else. */
  batchSize?: number;
  /** Batches at once. Default 4. */
  concurrency?: number;
  /** Items at once in each batch. Default 16. */
  itemConcurrency?: number;
  /** Limit of all of it. Default 1 day. */
  timeout?: Duration;
}

export interface KeepGoing {
  onFailure: 'continue';
  /** How many items have to complete. When they no longer can, it ends. Default 0. */
  minimum?: number;
}
export interface FailFast {
  onFailure?: 'fail';
}

/** Reduces outputs to one of their own kind. */
export interface SameKind<Mapped> {
  reduce: ReduceStep<Mapped, Mapped>;
  combine?: undefined;
}
/** Reduces outputs to something else, and then those to one. */
export interface OtherKind<Mapped, Reduced> {
  reduce: ReduceStep<Mapped, Reduced>;
  combine: ReduceStep<Reduced, Reduced>;
}
export interface MapOnly {
  reduce?: undefined;
  combine?: undefined;
}

/** What became of the items, in numbers. */
export interface MapCounts {
  total: number;
  completed: number;
  failed: number;
  /** The first 20; of items mapped in this workflow all. */
  failures: ItemFailure[];
  /** All of them, as a JSON document. */
  failedItems?: DocumentRef;
}

/** `failed`: no item completed, so there is no output. */
export type MapReduced<Reduced> = PatternResult<Reduced, MapCounts>;

/** Any of the overloads' options, as the code below sees them. */
export interface AnyMapReduce extends Omit<MapReduceOptions<unknown, unknown>, 'items'> {
  items: readonly unknown[] | TextSource;
  reduce?: ReduceStep<unknown, unknown> | undefined;
  combine?: ReduceStep<unknown, unknown> | undefined;
  onFailure?: 'fail' | 'continue';
  minimum?: number;
}

/** What a map came to. */
export interface MapEnded {
  output: unknown;
  counts: MapCounts;
}
