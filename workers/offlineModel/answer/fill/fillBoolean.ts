/** True or false by what the text says; undefined when it says neither. */
import { countCues, sentimentOf, valueCues } from '../lexicon/cues.js';
import { contentWords, hasWord } from '../schema/fieldWords.js';
import type { Shape } from '../schema/shape.js';
import { labelledValue } from './labelledValue.js';
import { describedAs, fieldWords, textOf, type Filled, type Scope } from './scope.js';

export function fillBoolean(shape: Shape, scope: Scope): Filled {
  const words = fieldWords(scope, shape).filter(
    (word) => !/^(?:is|has|was|are|should|needs?|requires?|can|the)$/.test(word),
  );
  const text = textOf(scope);
  const labelled = scope.item ? null : labelledValue(words, scope.source.document.lines);
  if (labelled) {
    if (/^(?:yes|true|y|☒|☑|✓|x)\b/i.test(labelled.text)) return true;
    if (/^(?:no|false|n|☐|none|not)\b/i.test(labelled.text)) return false;
  }
  if (hasWord(words, 'urgent', 'urgency', 'critical', 'emergency', 'escalate', 'escalation'))
    return countCues(text, valueCues['urgent'] ?? /$^/g) > 0;
  if (hasWord(words, 'positive', 'satisfied', 'happy')) return sentimentOf(text) > 0.15;
  if (hasWord(words, 'negative', 'unhappy', 'angry')) return sentimentOf(text) < -0.15;
  const done = fromToolResults(words, scope);
  if (done !== undefined) return done;
  if (hasWord(words, 'seo', 'optimized', 'optimised')) return text.length > 300;
  return mentioned(contentWords(words.join(' ')), describedAs(shape), text);
}

/** `published`, `saved`: whether a tool of that verb was called and did not answer with an error. */
function fromToolResults(words: readonly string[], scope: Scope): boolean | undefined {
  const stems = contentWords(words.join(' '));
  for (const { call, value } of scope.source.material.toolResults) {
    const name = contentWords(call.name.replaceAll(/[_-]|(?<=[a-z])(?=[A-Z])/g, ' '));
    if (!stems.some((one) => name.some((other) => other.startsWith(one.slice(0, 5))))) continue;
    return !/"?(?:error|failed|failure)"?\s*[:"]/i.test(JSON.stringify(value));
  }
  return undefined;
}

function mentioned(stems: readonly string[], description: string, text: string): boolean | undefined {
  if (stems.length === 0) return undefined;
  for (const sentence of text.slice(0, 100_000).split(/(?<=[.!?])\s|\n/)) {
    const own = contentWords(sentence);
    if (!stems.every((one) => own.includes(one))) continue;
    return !/\b(?:no|not|never|without|none|isn['’]t|doesn['’]t|didn['’]t|cannot|can['’]t|won['’]t)\b/i.test(sentence);
  }
  return description === '' ? undefined : undefined;
}
