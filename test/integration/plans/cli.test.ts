/** `segno plan check|graph|run` and `segno run PLAN`, as a person calls them. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestStack, type TestStack } from '../../../testing/testStack.js';
import * as tools from './project/tools.js';

const main = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const project = fileURLToPath(new URL('./project', import.meta.url));

interface Ended {
  code: number;
  out: string;
  err: string;
}

let stack: TestStack;

beforeAll(async () => {
  stack = await startTestStack({ tools, workflows: new URL('./project/workflow.ts', import.meta.url).href });
}, 180_000);
afterAll(() => stack.close(), 180_000);

function segno(...args: string[]): Promise<Ended> {
  const env = {
    ...process.env,
    NO_COLOR: '1',
    TEMPORAL_ADDRESS: stack.temporalAddress,
    DATABASE_URL: stack.databaseUrl,
    SEGNO_TEST_TASK_QUEUE: stack.taskQueue,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { cwd: project, env }, (error, out, err) =>
      resolve({ code: error ? Number(error.code) : 0, out, err }),
    );
  });
}

describe('segno plan check', () => {
  it('says that a plan is valid, and what shape it has', async () => {
    expect(await segno('plan', 'check', 'shout.yaml')).toMatchObject({
      code: 0,
      out: 'ok shout: 3 steps, 2 after each other, at most 2 side by side\n',
    });
  });

  it('says all that is wrong with one, with its places and without a stack', async () => {
    const { code, out, err } = await segno('plan', 'check', 'broken.json');
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain('steps[1].value: a cycle: a → b → a');
    expect(err).toContain('steps[0].tool: no tool is named uper; there are: broken, double, upper');
    expect(err).not.toMatch(/^\s+at .*:\d+:\d+/m);
  });
});

describe('wrong usage', () => {
  it('ends with 2 and says where help is, also in the commands of a command', async () => {
    const { code, err } = await segno('plan', 'check');
    expect([code, err]).toEqual([2, "error: missing required argument 'file'\n(--help shows what it takes)\n"]);
    expect(await segno('plan', 'check', '--help')).toMatchObject({ code: 0, err: '' });
  });
});

describe('segno plan graph', () => {
  it('draws a plan for Mermaid', async () => {
    expect((await segno('plan', 'graph', 'shout.yaml')).out).toBe(
      [
        'flowchart LR',
        '  s0["capitals<br/>tool upper"]',
        '  s1["praise<br/>value<br/>when steps.capitals.length #62; 3"]',
        '  s2["both<br/>parallel: value, workflow greet"]',
        '  s0 --> s1',
        '  s0 --> s2',
        '',
      ].join('\n'),
    );
  });
});

describe('segno plan run', () => {
  it('runs a plan, shows its steps and hands out its result', async () => {
    const { code, out, err } = await segno('plan', 'run', 'shout.yaml', '--input', '{"text":"hello"}');
    expect(code).toBe(0);
    expect(err).toContain('plan#1/capitals/upper#1');
    expect(out).toContain('"greeting": "Hello, Ada"');
  });

  it('runs a plan by its name, as segno run does with a workflow', async () => {
    const { out } = await segno('run', 'shout', '--input', '{"text":"hi"}', '--json');
    expect(JSON.parse(out)).toMatchObject({
      status: 'completed',
      output: { text: 'too short', greeting: 'Hello, Ada' },
      steps: { praise: { status: 'skipped' } },
    });
  });

  it('says which plans and workflows there are when a name is not known', async () => {
    const { code, err } = await segno('run', 'gone', '--input', '{}');
    expect(code).toBe(1);
    expect(err).toContain(
      'Plan.Unknown: no plan or workflow is named gone; there are the plans broken, shout, and the workflows: greet, runKept, twice, waitLong',
    );
  });
});
