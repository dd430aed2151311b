import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPlan } from '../../cli/planFile.js';
import { resolveConfig } from '../../core/config.js';
import { planMermaid, planShape } from '../../core/plan/planMermaid.js';
import type { Project } from '../../workers/loadProject.js';

let dir: string;
let project: Project;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'segno-plans-'));
  project = {
    dir,
    configPath: join(dir, 'segno.config.ts'),
    config: resolveConfig({ workflows: './workflow.ts' }),
    workflowPaths: [],
    plans: new Map([['named', join(dir, 'named.json')]]),
  };
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function load(name: string, text: string): ReturnType<typeof loadPlan> {
  await writeFile(join(dir, name), text);
  return loadPlan(project, join(dir, name));
}

const yaml = `
version: 1
name: count
steps:
  - { id: one, value: 1, when: 'input.x > 1' }
  - { id: 'two', value: [{ $ref: steps.one }], after: [one] }
  - { id: three, map: { over: [1], do: { sequence: [{ value: 1 }, { value: 2 }] } } }
  - { id: four, refine: { write: { value: a }, review: { value: b } }, after: [one, three] }
`;

describe('a plan in a file', () => {
  it('is YAML or JSON, and may be named in the config', async () => {
    const plan = await load('count.yaml', yaml);
    expect(await load('count.json', JSON.stringify(plan))).toEqual(plan);
    await writeFile(join(dir, 'named.json'), JSON.stringify(plan));
    expect(await loadPlan(project, 'named')).toEqual(plan);
  });

  it('may tell an editor its schema', async () => {
    const plan = await load('count.yaml', yaml);
    const schema = './node_modules/segno/schemas/plan.v1.json';
    expect(await load('editor.json', JSON.stringify({ $schema: schema, ...plan }))).toEqual(plan);
    await expect(load('odd.json', JSON.stringify({ $schema: 1, ...plan }))).rejects.toThrow('"$schema"');
  });

  it('has a shape, and is drawn for Mermaid', async () => {
    const plan = await load('count.yml', yaml);
    expect(planShape(plan)).toEqual({ steps: 4, depth: 2, width: 2 });
    expect(planMermaid(plan).split('\n')).toEqual([
      'flowchart LR',
      '  s0["one<br/>value<br/>when input.x #62; 1"]',
      '  s1["two<br/>value"]',
      '  s2["three<br/>map: sequence: value, value"]',
      '  s3["four<br/>refine: value, value"]',
      '  s0 --> s1',
      '  s0 --> s3',
      '  s2 --> s3',
    ]);
  });

  const nine = (item: string): string => Array(9).fill(item).join(', ');
  it.each<[string, string, string, RegExp]>([
    ['no JSON', 'bad.json', '{"version": 1,', /bad\.json is no JSON: /],
    ['no JSON in a later line', 'comma.json', '{"version": 1,\n"steps": [],\n}', /comma\.json is no JSON: .*line 3/],
    ['no YAML', 'bad.yaml', 'steps: [\n', /bad\.yaml is no YAML: .*line 2/],
    ['YAML that nests without end', 'deep.yaml', `steps: ${'['.repeat(50_000)}`, /line 1: it is nested too deeply/],
    ['dashes without end', 'dashes.yaml', `steps:\n${'- '.repeat(40_000)}x`, /line 2: it is nested too deeply/],
    ['keys without end', 'keys.yaml', `${'? '.repeat(40_000)}x`, /line 1: it is nested too deeply/],
    [
      'indentation without end',
      'indented.yaml',
      Array.from({ length: 420 }, (_, at) => `${' '.repeat(at)}k:`).join('\n'),
      /line 402: it is nested too deeply/,
    ],
    [
      'JSON that nests without end',
      'deep.json',
      `{"steps":${'['.repeat(900_000)}${']'.repeat(900_000)}}`,
      /line 1: it is nested too deeply/,
    ],
    [
      'aliases that grow',
      'bomb.yaml',
      `a: &a [x]\n${['ba', 'cb', 'dc', 'ed', 'fe', 'gf', 'hg'].map(([one, before]) => `${one}: &${one} [${nine(`*${before}`)}]`).join('\n')}`,
      /bomb\.yaml is no YAML: .*alias|over 20000 values/,
    ],
    [
      'a key that stands there twice',
      'twice.yaml',
      'name: a\nname: b',
      /twice\.yaml is no YAML: the key name stands there twice \(line \d\)/,
    ],
    ['a key that is no text', 'key.yaml', '[a]: b', /a key is no text/],
    ['YAML that is too long to be read quickly', 'long.yaml', `# ${'x'.repeat(100_000)}`, /write it as JSON/],
    ['a file that is too long', 'long.json', ' '.repeat(5_000_000), /too long for a plan/],
    ['a plan with faults', 'faults.yaml', 'version: 1\nname: x\nsteps: [{ id: a }]', /steps\[0\]: one of agent, tool/],
  ])('is refused for %s', async (_, name, text, message) => {
    await expect(load(name, text)).rejects.toMatchObject({
      type: 'Plan.Invalid',
      message: expect.stringMatching(message) as string,
    });
  });

  it('that is not there is an error that lists the plans there are', async () => {
    await expect(loadPlan(project, 'gone')).rejects.toMatchObject({
      type: 'Plan.Unknown',
      message: 'there is no plan named gone and no such file; there are: named',
    });
  });
});
