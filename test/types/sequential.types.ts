/** What the compiler knows of a sequence's steps, and refuses in them. */
import { sequential } from '../../workflows/index.js';
import type { AgentCallOptions, ToolCallOptions } from '../../workflows/index.js';

const exactly =
  <Expected>() =>
  <Actual>(
    _value: Actual,
    _same: (<T>() => T extends Actual ? 1 : 2) extends <T>() => T extends Expected ? 1 : 2 ? true : false,
  ): void => {};

interface Analysis {
  text: string;
  score: number;
}
declare const analyzer: (input: string, options?: AgentCallOptions) => Promise<Analysis>;
declare const publisher: (input: { text: string }, options?: ToolCallOptions) => Promise<{ url: string }>;
declare const unpublisher: (input: { url: string }, options?: ToolCallOptions) => Promise<void>;
declare const judge: (input: Analysis, options?: AgentCallOptions) => Promise<{ next: 'publish' | 'end' }>;

export async function agentsAndToolsAreSteps(): Promise<void> {
  const last = await sequential<string>()
    .step('analyze', analyzer)
    .decide('judge', judge, { among: ['publish', 'end'] })
    .step('publish', publisher, { compensate: unpublisher })
    .run('text');
  exactly<{ url: string }>()(last, true);
}

export async function functionsSeeWhatCameBefore(): Promise<void> {
  await sequential<string>()
    .step('analyze', analyzer)
    .step('publish', (analysis, { input, outputs }) => {
      exactly<Analysis>()(analysis, true);
      exactly<string>()(input, true);
      exactly<Analysis>()(outputs.analyze, true);
      return publisher(analysis);
    })
    .step('count', async ({ url }) => url.length)
    .run('text');
}

export function whatDoesNotFit(): void {
  // @ts-expect-error it takes what the step before does not give
  sequential<string>().step('publish', publisher);
  // @ts-expect-error there is no step of that name before it
  sequential<string>().step('publish', (_, { outputs }) => publisher(outputs.analyze));
  // @ts-expect-error it chooses nothing
  sequential<string>().decide('judge', analyzer, { among: ['end'] });
}
