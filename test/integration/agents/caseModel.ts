import {
  error,
  type RecordedRequest,
  type ScriptedModel,
  scriptedModel,
  type ScriptEntry,
  type ScriptStep,
} from '../../../testing/index.js';

export interface CaseModel {
  readonly model: ScriptedModel;
  /** What the model answers to the agents of one case, call by call; a bare function answers all. */
  script(
    name: string,
    answers: readonly ScriptEntry[] | ((request: RecordedRequest, call: number) => ScriptStep),
  ): void;
  requestsOf(name: string): RecordedRequest[];
}

/** One scripted model for tests that run side by side: the `case` of an agent's input picks the script. */
export async function caseModel(): Promise<CaseModel> {
  const scripts = new Map<string, Parameters<CaseModel['script']>[1]>();
  const counts = new Map<string, number>();
  const model = await scriptedModel(async (request) => {
    const name = caseOf(request);
    const script = scripts.get(name);
    const call = (counts.get(name) ?? 0) + 1;
    counts.set(name, call);
    const entry = typeof script === 'function' ? script(request, call) : script?.[call - 1];
    if (!entry) return error(400, { error: { message: `unexpected call ${call} of case ${name}`, type: 'test' } });
    return typeof entry === 'function' ? entry(request) : entry;
  });
  return {
    model,
    script: (name, answers) => scripts.set(name, answers),
    requestsOf: (name) => model.requests.filter((request) => caseOf(request) === name),
  };
}

function caseOf(request: RecordedRequest): string {
  const { content } = request.messages.find(({ role }) => role === 'user') ?? {};
  return (JSON.parse(typeof content === 'string' ? content : '{}') as { case?: string }).case ?? '';
}
