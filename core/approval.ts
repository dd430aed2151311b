/**
 * What a run asks of a person, and what counts as an answer.
 *
 * Invariants:
 * 1. Only JSON of bounded size crosses, in both directions.
 * 2. What is wrong with a request or an answer is text for the person who made it; all of it at once.
 */
import { raiseFaults, type RaiseUnit } from './admission/raise.js';
import { isOutcomeAnswer, outcomeAnswers } from './outcome.js';

/** The update that decides, with a {@link DecisionRequest}; its result is the {@link Decision}. */
export const decideUpdateName = 'segnoDecide';

/** In the memo of an execution each waiting approval has an entry: this and its path, with the {@link ApprovalRequest}. */
export const approvalMemoPrefix = 'segnoApproval/';

/** Approvals one execution may wait for at once: each has an entry of up to 16 KB in its memo, which holds 2 MB. */
export const mostWaiting = 100;

/** Characters of a name; it is part of a path and typed in a shell. */
const longestName = 100;
const longestTitle = 300;
const longestChoice = 200;
const mostChoices = 50;
const longestComment = 10_000;
const longestBy = 200;
/** Characters of JSON. */
const largestDetail = 64_000;
const largestValue = 64_000;

/** What waits for a decision. */
export interface ApprovalRequest {
  name: string;
  title?: string;
  /** What the person must see. */
  detail?: unknown;
  choices?: readonly string[];
  /** It asks what became of the effect of the step at this path; the answer's value is an {@link OutcomeAnswer}. */
  outcomeOf?: string;
  /** It asks for more of a budget: who approves says by how much, in these units, as the decision's `value`. */
  raise?: readonly RaiseUnit[];
  /** ISO 8601. */
  since: string;
  until: string;
}

/** An answer on its way to the run. */
export interface DecisionRequest {
  /** The approval's path, or its name where that is enough. */
  approval: string;
  approved: boolean;
  by: string;
  comment?: string;
  /** One of the choices, or what the person made of what was shown. */
  value?: unknown;
}

interface DecisionFacts {
  /** Who decided; `deadline` when nobody did in time. */
  by: string;
  comment?: string;
  /** ISO 8601. */
  decidedAt: string;
  /** Nobody decided: this is the approval's `onExpiry`. */
  expired?: true;
}

/** Without choices `value` is what the person typed: look at it before you use it. */
export type Verdict<Choice extends string = never> = [Choice] extends [never]
  ? { approved: boolean; value?: unknown }
  : { approved: true; value: Choice } | { approved: false; value?: Choice };

export type Decision<Choice extends string = never> = DecisionFacts & Verdict<Choice>;

/** What is wrong with what a workflow asks. */
export function requestFaults({ name, title, detail, choices }: Omit<ApprovalRequest, 'since' | 'until'>): string[] {
  return [
    ...(isName(name) ? [] : [`a name has 1 to ${longestName} characters, none of them "/" or a control character`]),
    ...(title === undefined || isText(title, longestTitle) ? [] : [`title: has over ${longestTitle} characters`]),
    ...sizeFault('detail', detail, largestDetail, '; store what is larger as a document, and show its reference'),
    ...(choices === undefined ? [] : choiceFaults(choices)),
  ];
}

/** What is wrong with an answer; it comes from outside, whatever its type says. */
export function decisionFaults(
  { choices, raise, outcomeOf }: Pick<ApprovalRequest, 'choices' | 'raise' | 'outcomeOf'>,
  answer: DecisionRequest,
): string[] {
  const { approved, by, comment, value } = answer;
  return [
    ...(typeof approved === 'boolean' ? [] : ['approved: is neither true nor false']),
    ...(isText(by, longestBy) && by.trim() !== ''
      ? []
      : [`by: has to name who decides, in up to ${longestBy} characters`]),
    ...(comment === undefined || isText(comment, longestComment)
      ? []
      : [`comment: has over ${longestComment} characters`]),
    ...sizeFault('value', value, largestValue),
    ...(choices ? chosenFaults(choices, answer) : []),
    ...(outcomeOf === undefined || !approved || isOutcomeAnswer(value) ? [] : [`value: ${outcomeAnswers}`]),
    ...(raise && approved === true ? raiseFaults(value, raise).map((fault) => `raise: ${fault}`) : []),
  ];
}

function chosenFaults(choices: readonly string[], { approved, value }: Pick<DecisionRequest, 'approved' | 'value'>) {
  if (value === undefined && !approved) return [];
  if (typeof value === 'string' && choices.includes(value)) return [];
  return [`value: ${value === undefined ? 'is missing' : JSON.stringify(value)}; choose one of ${choices.join(', ')}`];
}

function choiceFaults(choices: readonly string[]): string[] {
  if (choices.length === 0 || choices.length > mostChoices) return [`choices: name 1 to ${mostChoices}`];
  return [
    ...choices
      .filter((choice) => choice === '' || !isText(choice, longestChoice))
      .map((choice) => `choices: "${String(choice).slice(0, 40)}" is no text of 1 to ${longestChoice} characters`),
    ...(new Set(choices).size < choices.length ? ['choices: two are the same'] : []),
  ];
}

function isName(name: unknown): boolean {
  return isText(name, longestName) && /^[^/\u0000-\u001f\u007f]+$/.test(name);
}

function isText(text: unknown, longest: number): text is string {
  return typeof text === 'string' && text.length <= longest;
}

function sizeFault(what: string, value: unknown, largest: number, advice = ''): string[] {
  if (value === undefined) return [];
  const json = jsonOf(value);
  if (json === undefined) return [`${what}: is nothing that JSON can carry`];
  return json.length <= largest
    ? []
    : [`${what}: has ${json.length} characters as JSON, of at most ${largest}${advice}`];
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
