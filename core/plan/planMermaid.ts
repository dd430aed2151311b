import { graphFaults, type GraphShape, shapeOf } from '../graph.js';
import { kindOf, type Plan, type PlanStep } from './plan.js';
import { partsOf, type PlacedAction, planGraph } from './planGraph.js';

/** How many steps a plan has, how many follow each other, and how many may run at once. */
export function planShape(plan: Plan): GraphShape {
  return shapeOf(planGraph(plan));
}

/** A plan as a Mermaid flowchart. @param plan valid */
export function planMermaid(plan: Plan): string {
  const graph = planGraph(plan);
  if (graphFaults(graph).length > 0) return 'flowchart LR';
  const numbers = new Map(plan.steps.map(({ id }, index) => [id, `s${index}`]));
  return [
    'flowchart LR',
    ...plan.steps.map((step, index) => `  s${index}["${quoted(labelOf(step))}"]`),
    ...graph.flatMap(({ after }, index) => after.map((name) => `  ${numbers.get(name)} --> s${index}`)),
  ].join('\n');
}

function labelOf(step: PlanStep): string {
  return [
    step.id,
    describeAction({ action: step, at: [], locals: [], nesting: 0 }),
    ...(step.when === undefined ? [] : [`when ${step.when}`]),
  ].join('\n');
}

const toldActions = 5;

/** `agent writer`, `map: agent writer`, `parallel: tool a, tool b` */
function describeAction(placed: PlacedAction): string {
  const { action } = placed;
  const kind = kindOf(action);
  if (kind === 'agent' || kind === 'tool' || kind === 'workflow') return `${kind} ${action[kind]}`;
  if (kind === 'approval') return `approval ${action.approval!.name}`;
  if (kind === 'waitForEvent') return `waitForEvent ${action.waitForEvent!.name}`;
  const inner = partsOf(placed);
  if (inner.length === 0) return kind ?? '';
  const told = inner.slice(0, toldActions).map(describeAction);
  return `${kind}: ${told.join(', ')}${inner.length > toldActions ? ', …' : ''}`;
}

/** Mermaid has no escapes; what could end a label or begin a tag is written as an entity. */
function quoted(text: string): string {
  return text.replace(/[#&<>"]/g, (character) => `#${character.charCodeAt(0)};`).replaceAll('\n', '<br/>');
}
