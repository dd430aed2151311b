/**
 * Decision trees: questions in CEL, each answered by yes or no, down to a leaf.
 *
 * Invariant: a question that cannot be answered ends it without a decision; neither branch is a guess.
 */
import type { CompiledCel } from '../cel.js';
import { compileConditions, type PlacedWhen } from './conditions.js';
import { type Decided, type NoDecision, told } from './decision.js';

export type DecisionTree<Output = unknown> = DecisionLeaf<Output> | DecisionBranch<Output>;

export interface DecisionLeaf<Output> {
  /** JSON. */
  decide: Output;
}

export interface DecisionBranch<Output> {
  /** CEL that gives true or false: `input.outlook == "rain"`. */
  when: string;
  yes: DecisionTree<Output>;
  no: DecisionTree<Output>;
}

export interface TreeExplanation {
  method: 'tree';
  text: string;
  /** From the root down. */
  answers: { when: string; answer: boolean }[];
}

const mostNodes = 1_000;
const deepest = 50;

/** @param variables what questions see */
export function decideByTree<Output>(
  tree: DecisionTree<Output>,
  variables: Readonly<Record<string, unknown>>,
): Decided<Output, TreeExplanation> | NoDecision {
  const { questions, faults } = questionsOf(tree, Object.keys(variables));
  if (faults.length > 0) return { invalid: faults };
  const answers: TreeExplanation['answers'] = [];
  let node = tree;
  while ('when' in node) {
    const outcome = questions.get(node)!.evaluate(variables);
    if ('fault' in outcome) return { impossible: `${node.when}: ${outcome.fault}` };
    const answer = outcome.value === true;
    answers.push({ when: node.when, answer });
    node = answer ? node.yes : node.no;
  }
  const why = answers.map(({ when, answer }) => `${when}: ${answer ? 'yes' : 'no'}`).join('; ');
  return {
    decision: node.decide,
    explanation: { method: 'tree', text: `${told(node.decide)}${why === '' ? '' : `: ${why}`}`, answers },
  };
}

interface Questions {
  questions: Map<object, CompiledCel>;
  faults: string[];
}

function questionsOf(tree: DecisionTree, variables: readonly string[]): Questions {
  const branches: (PlacedWhen & { node: object })[] = [];
  const faults: string[] = [];
  let nodes = 0;
  const walk = (node: DecisionTree, at: string, depth: number): void => {
    nodes += 1;
    if (!('when' in node) || nodes > mostNodes) return;
    if (depth > deepest) {
      faults.push(`${at}: the tree is over ${deepest} questions deep`);
      return;
    }
    branches.push({ at, when: node.when, node });
    walk(node.yes, `${at}.yes`, depth + 1);
    walk(node.no, `${at}.no`, depth + 1);
  };
  walk(tree, 'tree', 1);
  if (nodes > mostNodes) faults.push(`tree: it has over ${mostNodes} nodes`);
  if (faults.length > 0) return { questions: new Map(), faults };
  const whens = branches.map(({ at, when }) => ({ at, when }));
  const { compiled, faults: wrong } = compileConditions(tree, whens, variables);
  return {
    questions: new Map(compiled.map((question, index) => [branches[index]!.node, question])),
    faults: [...wrong],
  };
}
