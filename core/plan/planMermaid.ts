import { graphFaults, type GraphShape, shapeOf } from '../graph.js';
import { kindOf, type Plan, type PlanAction, type PlanStep } from './plan.js';
import { planGraph } from './planGraph.js';

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
  return [step.id, describeAction(step), ...(step.when === undefined ? [] : [`when ${step.when}`])].join('\n');
}

/** `agent writer`, `map: agent writer`, `parallel: tool a, tool b` */
function describeAction(action: PlanAction): string {
  const kind = kindOf(action);
  switch (kind) {
    case 'agent':
    case 'tool':
    case 'workflow':
      return `${kind} ${action[kind]}`;
    case 'map':
      return `map: ${describeAction(action.map!.do)}`;
    case 'refine':
      return `refine: ${describeAction(action.refine!.write)}, ${describeAction(action.refine!.review)}`;
    case 'parallel':
    case 'sequence': {
      const inner = Object.values(action[kind]!).map(describeAction);
      return `${kind}: ${inner.slice(0, 5).join(', ')}${inner.length > 5 ? ', …' : ''}`;
    }
    case 'approval':
      return `approval ${action.approval!.name}`;
    default:
      return kind ?? '';
  }
}

/** Mermaid has no escapes; what could end a label or begin a tag is written as an entity. */
function quoted(text: string): string {
  return text.replace(/[#&<>"]/g, (character) => `#${character.charCodeAt(0)};`).replaceAll('\n', '<br/>');
}
