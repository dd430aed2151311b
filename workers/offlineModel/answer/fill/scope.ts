/** What a field may draw on while it is filled. Expensive readings are made once, when first asked for. */
import type { FigureReader } from '../figures/findFigure.js';
import { createFigureReader } from '../figures/findFigure.js';
import { indexSentences, type SentenceIndex } from '../text/rankSentences.js';
import { readText, type Sentence, type TextDocument } from '../text/readText.js';
import type { KnownFigure } from '../compose/readFacts.js';
import type { Material } from '../readRequest.js';
import type { Json, JsonObject, Shape, SchemaRoot } from '../schema/shape.js';
import { textKeyword } from '../schema/shape.js';
import { splitName } from '../schema/fieldWords.js';

export interface Source {
  readonly material: Material;
  readonly root: SchemaRoot;
  readonly document: TextDocument;
  readonly index: SentenceIndex;
  readonly figures: FigureReader;
  /** The text in one piece, for cues. */
  readonly wholeText: string;
}

/** The one thing an item of a list is about. */
export interface Item {
  readonly index: number;
  readonly sentence: Sentence | null;
  readonly object: JsonObject | null;
  readonly figure: KnownFigure | null;
  readonly page: number | null;
  readonly heading: string | null;
  readonly sentences: readonly Sentence[];
}

export interface Scope {
  readonly source: Source;
  /** Property names from the root. */
  readonly path: readonly string[];
  readonly item: Item | null;
  readonly depth: number;
}

export function createSource(material: Material, root: SchemaRoot): Source {
  const read = readText(material.text);
  const statements = material.facts.statements.map((one): Sentence => ({ text: one.text, page: one.page, index: 0 }));
  const document: TextDocument = {
    ...read,
    sentences: [...statements, ...read.sentences].map((sentence, index) => ({ ...sentence, index })),
  };
  let index: SentenceIndex | undefined;
  let figures: FigureReader | undefined;
  return {
    material,
    root,
    document,
    get index() {
      return (index ??= indexSentences(document.sentences));
    },
    get figures() {
      return (figures ??= createFigureReader(read));
    },
    wholeText: [material.text, ...statements.map((one) => one.text)].join('\n'),
  };
}

export function childScope(scope: Scope, name: string): Scope {
  return { ...scope, path: [...scope.path, name], depth: scope.depth + 1 };
}

export function fieldName(scope: Scope): string {
  return scope.path[scope.path.length - 1] ?? '';
}

/** The words of the field itself: its name, then its title. */
export function fieldWords(scope: Scope, shape: Shape): string[] {
  return [...new Set([...splitName(fieldName(scope)), ...splitName(textKeyword(shape, 'title'))])];
}

export function describedAs(shape: Shape): string {
  return textKeyword(shape, 'description');
}

export function textOf(scope: Scope): string {
  const { item } = scope;
  if (!item) return scope.source.wholeText;
  const own = [item.heading, item.sentence?.text, ...item.sentences.map((one) => one.text)].filter(
    (text) => text != null,
  );
  if (item.object) own.push(...Object.values(item.object).filter((one): one is string => typeof one === 'string'));
  return own.join('\n');
}

export type Filled = Json | undefined;
