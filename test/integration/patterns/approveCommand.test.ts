import { userInfo } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { approveCommand } from '../../../cli/commands/approve.js';
import { showCommand } from '../../../cli/commands/inspect.js';
import { watchRun } from '../../../cli/watchRun.js';
import type { Run } from '../../../client/index.js';
import { segno } from '../segnoCommand.js';
import { usePatternsStack } from './patternsStack.js';
import type { Spec } from './project/spec.js';

const stack = usePatternsStack();
const ask = (name: string, options: Record<string, unknown> = {}): Spec => ({ do: 'approval', name, options });

beforeEach(() => {
  vi.stubEnv('TEMPORAL_ADDRESS', stack().temporalAddress);
  vi.stubEnv('DATABASE_URL', stack().databaseUrl);
  vi.stubEnv('NO_COLOR', '1');
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const approve = (...args: string[]): Promise<string> => segno(approveCommand(), ...args);

async function started(spec: Spec, waitsFor: number): Promise<Run> {
  const run = await stack().start(spec);
  await vi.waitFor(async () => expect(await stack().client.approvals({ run: run.id })).toHaveLength(waitsFor), {
    timeout: 20_000,
    interval: 50,
  });
  return run;
}

/** A stream that keeps what is written to it. */
function screen(isTTY: boolean): { stream: NodeJS.WriteStream; text: () => string } {
  let text = '';
  const write = (more: string): boolean => {
    text += more;
    return true;
  };
  return { stream: { isTTY, columns: 200, rows: 50, write } as unknown as NodeJS.WriteStream, text: () => text };
}

describe('segno approve', () => {
  it('lists what waits with what the person must see, and what to type', async () => {
    const choices = ['now', 'later'];
    const run = await started(ask('publish', { title: 'Publish it?', detail: { pages: 3 }, choices }), 1);
    for (const args of [[], [run.id, '--list']]) {
      const written = await approve(...args);
      expect(written).toContain(`publish  run ${run.id}, since `);
      expect(written).toContain('  Publish it?\n  {\n    "pages": 3\n  }\n  choices: now, later\n');
      expect(written).toContain(`  segno approve ${run.id} publish --value CHOICE\n`);
    }
    const listed: unknown = JSON.parse(await approve(run.id, '--list', '--json'));
    expect(listed).toMatchObject([{ run: run.id, name: 'publish', detail: { pages: 3 } }]);
    await run.cancel();
  });

  it('approves the only one without its name, by the user of the machine', async () => {
    const run = await started(ask('publish'), 1);
    const by = userInfo().username;
    expect(await approve(run.id)).toBe(`Approved in ${run.id}, by ${by}.\n`);
    expect(await run.result()).toMatchObject({ approved: true, by });
    await expect(approve(run.id)).rejects.toMatchObject({ type: 'Approval.Unknown' });
    expect(await approve(run.id, '--list')).toContain(`The run ${run.id} waits for no decision.`);
  });

  it('carries comment, name and value, as JSON or as text, and rejects', async () => {
    const branches = { a: ask('json'), b: ask('text', { choices: ['later'] }), c: ask('no') };
    const run = await started({ do: 'parallel', branches }, 3);
    const words = ['--comment', 'fine', '--by', 'Ada', '--value', '{"title":"Q3"}', '--json'];
    const edited: unknown = JSON.parse(await approve(run.id, 'json', ...words));
    expect(edited).toMatchObject({ run: run.id, approved: true, by: 'Ada', value: { title: 'Q3' } });
    await approve(run.id, 'text', '--value', 'later');
    expect(await approve(run.id, 'no', '--reject', '--comment', 'no sources')).toMatch(/^Rejected no in /);
    expect(await run.result()).toMatchObject({
      a: { approved: true, by: 'Ada', comment: 'fine', value: { title: 'Q3' } },
      b: { approved: true, value: 'later' },
      c: { approved: false, comment: 'no sources' },
    });
  });

  it('says what to do when it cannot tell what is meant', async () => {
    const run = await started({ do: 'parallel', branches: [ask('legal'), ask('press', { choices: ['yes'] })] }, 2);
    const expected: [string[], string, string][] = [
      [[run.id], 'Approval.Unknown', 'waits for 2 approvals, say which: legal, press'],
      [[run.id, 'money'], 'Approval.Unknown', 'none is named money: legal, press'],
      [[run.id, 'press'], 'Approval.InvalidDecision', 'press: value: is missing; choose one of yes'],
      [['no-such-run'], 'Run.Unknown', 'there is no run no-such-run'],
      [['--reject'], 'Approval.InvalidDecision', 'name the run that is decided on'],
      [[run.id, '--list', '--reject'], 'Approval.InvalidDecision', '--list decides nothing'],
    ];
    for (const [args, type, told] of expected) {
      await expect(approve(...args)).rejects.toMatchObject({ type, message: expect.stringContaining(told) as string });
    }
    await run.cancel();
  });
});

describe('a run that is looked at', () => {
  const spec: Spec = {
    do: 'parallel',
    branches: {
      a: { do: 'note', text: 'a' },
      b: {
        do: 'sequential',
        steps: [
          { name: 'look', body: { do: 'value', value: 1 } },
          { name: 'ask', body: ask('publish', { title: 'Ok?' }) },
        ],
      },
    },
  };

  it('shows with segno show how far its patterns are, and what it waits for', async () => {
    const run = await started(spec, 1);
    const written = await segno(showCommand(), run.id);
    const lines = written.split('\n').map((line) => line.replace(/(?<=\S) {2,}/g, '  '));
    expect(lines).toContain('parallel  1 completed · 1 running');
    expect(lines).toContain('  b / sequential  running: ask');
    expect(written).toMatch(
      /waiting for approval publish since .* UTC, until .* UTC: Ok\?\n {2}segno approve \S+ publish\n/,
    );
    const shown: unknown = JSON.parse(await segno(showCommand(), run.id, '--json'));
    const path = expect.stringMatching(/^parallel#1/) as string;
    expect(shown).toMatchObject({ approvals: [{ name: 'publish' }], patterns: [{ path }, { path }] });
    await run.cancel();
  });

  it('names the choices, and a command that asks for one', async () => {
    const run = await started(ask('tone', { choices: ['kind', 'firm'] }), 1);
    expect(await segno(showCommand(), run.id)).toContain(
      `  choices: kind, firm\n  segno approve ${run.id} tone --value CHOICE\n`,
    );
    await run.cancel();
  });

  it.each([
    { view: 'in place on a terminal', isTTY: true },
    { view: 'line by line elsewhere', isTTY: false },
  ])('shows it while it is followed, $view', async ({ isTTY }) => {
    const { client } = stack();
    const run = await started(spec, 1);
    const { stream, text } = screen(isTTY);
    const watching = watchRun(client, run, { stream, quiet: false });
    await vi.waitFor(() => expect(text()).toContain(`segno approve ${run.id} publish`), { timeout: 20_000 });
    expect(text()).toContain('waiting for approval publish since ');
    expect(text().includes('1 completed · 1 running')).toBe(isTTY);
    await client.decide(run.id, { approved: true, by: 'Ada' });
    await watching;
    const last = text().slice(text().lastIndexOf('completed'));
    expect(last).not.toContain('waiting for approval');
  });
});
