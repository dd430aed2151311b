/** What the compiler knows of a dag's steps, and refuses in them. */
import { dag, type DagResult } from '../../workflows/index.js';

interface Facts {
  revenue: number;
}
const exactly =
  <Expected>() =>
  <Actual>(
    _value: Actual,
    _same: (<T>() => T extends Actual ? 1 : 2) extends <T>() => T extends Expected ? 1 : 2 ? true : false,
  ): void => {};

const facts = (): Promise<Facts> => Promise.resolve({ revenue: 1 });
const risks = (input: { facts: Facts }): Promise<string[]> => Promise.resolve([String(input.facts.revenue)]);

export async function outputsAreTyped(): Promise<void> {
  const outputs = await dag({ facts: { run: facts }, risks: { after: ['facts'], run: risks } });
  exactly<number>()(outputs.facts.revenue, true);
  exactly<string[]>()(outputs.risks, true);
  const maybe = await dag({ facts: { run: facts }, risks: { after: ['facts'], when: () => true, run: risks } });
  exactly<string[] | undefined>()(maybe.risks, true);
  const recovered = await dag({ facts: { run: facts, fallback: () => Promise.resolve('none') } });
  exactly<string | Facts>()(recovered.facts, true);
  const result = await dag({ facts: { run: facts } }, { onFailure: 'continue' });
  exactly<DagResult<{ readonly facts: { readonly run: () => Promise<Facts> } }>>()(result, true);
  exactly<Facts | undefined>()(result.output?.facts, true);
}

export async function whatDoesNotFit(): Promise<void> {
  // @ts-expect-error there is no step of that name
  await dag({ facts: { run: facts }, risks: { after: ['fact'], run: facts } });
  // @ts-expect-error a step that comes after itself
  await dag({ facts: { after: ['facts'], run: facts } });
  // @ts-expect-error it takes what the step before does not give
  await dag({ facts: { run: () => Promise.resolve('none') }, risks: { after: ['facts'], run: risks } });
  // @ts-expect-error it takes the output of a step it does not come after
  await dag({ facts: { run: facts }, risks: { run: risks } });
  // @ts-expect-error a step that may not have completed
  await dag({ facts: { run: facts }, risks: { after: ['facts'], needs: 'ended', run: risks } });
  // @ts-expect-error there is no step of that name
  await dag({ facts: { run: facts } }, { done: { fact: 1 } });
}
