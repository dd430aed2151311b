/** The patterns of a run that are under way, as lines for a person: what they have done and what is left, nested as they nest. */
import type { PatternProgress } from './contracts.js';

export interface RunningPattern extends PatternProgress {
  /** Its place in the structure of its workflow. */
  path: string;
  /** The workflow it runs in: the run itself or a child of it. */
  workflowId: string;
}

export interface PatternLine {
  /** Patterns around it. */
  depth: number;
  /** Its place in the pattern around it: `parallel`, `legal / refine 2`. */
  label: string;
  /** `2 completed · 1 running · 3 pending: analyze, enrich` */
  text: string;
}

/** Lines of one run. */
export const mostPatternLines = 20;
const mostNames = 5;

/** Those of the run itself first, then child by child; each after the pattern it is in. */
export function patternLines(patterns: readonly RunningPattern[], run: string): PatternLine[] {
  const sorted = [...patterns].sort(
    (a, b) =>
      Number(b.workflowId === run) - Number(a.workflowId === run) ||
      compare(a.workflowId, b.workflowId) ||
      compare(a.path, b.path),
  );
  const lines = sorted.map((pattern): PatternLine => {
    const around = sorted.filter((other) => other.workflowId === pattern.workflowId && contains(other, pattern));
    const parent = around.reduce((longest, { path }) => (path.length > longest.length ? path : longest), '');
    const rest = pattern.path.slice(parent === '' ? 0 : parent.length + 1);
    const child = pattern.workflowId === run || parent !== '' ? '' : `${pattern.workflowId}: `;
    return { depth: around.length, label: `${child}${labelOf(rest)}`, text: progressText(pattern) };
  });
  if (lines.length <= mostPatternLines) return lines;
  const left = lines.length - mostPatternLines + 1;
  return [...lines.slice(0, mostPatternLines - 1), { depth: 0, label: `… and ${left} more`, text: '' }];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function contains({ path }: RunningPattern, inner: RunningPattern): boolean {
  return inner.path.startsWith(`${path}/`);
}

function labelOf(path: string): string {
  return path
    .split('/')
    .map((segment) => segment.replace(/#1$/, '').replace('#', ' ').replaceAll('%2F', '/').replaceAll('%25', '%'))
    .join(' / ');
}

function progressText({ counts, waitsFor, steps = {} }: PatternProgress): string {
  const { round, of, ...states } = counts;
  const parts = [
    ...(round === undefined ? [] : [`round ${round}${of === undefined ? '' : ` of ${of}`}`]),
    ...Object.entries(states)
      .filter(([, count]) => count > 0)
      .map(([state, count]) => `${count} ${state}`),
  ];
  if (waitsFor !== undefined) parts.push(`waits for ${waitsFor}`);
  const running = Object.keys(steps).filter((name) => steps[name] === 'running');
  const more = running.length > mostNames ? `, and ${running.length - mostNames} more` : '';
  const names = running.length > 0 ? [`running: ${running.slice(0, mostNames).join(', ')}${more}`] : [];
  return [...(parts.length > 0 ? [parts.join(' · ')] : []), ...names].join('  ');
}
