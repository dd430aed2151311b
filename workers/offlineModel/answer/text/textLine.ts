/** The parts of a read text. */
export interface TextLine {
  readonly text: string;
  readonly cells: readonly string[];
  readonly page: number | null;
  readonly index: number;
}

export interface Sentence {
  readonly text: string;
  readonly page: number | null;
  /** Position among the document's sentences. */
  readonly index: number;
}
