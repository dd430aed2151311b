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

describe('a hostile file at the limits of its size', () => {
  const many = (count: number, item: (index: number) => string, between = ','): string =>
    Array.from({ length: count }, (_, index) => item(index)).join(between);
  const json = (steps: string, more = ''): string => `{"version":1,"name":"x","steps":[${steps}]${more}}`;
  const condition = many(200, (at) => `input.a${at} > ${at}`, ' && ');
  const chain = (count: number): string => many(count, (at) => `{"id":"s${at}","value":{"$ref":"steps.s${at + 1}"}}`);
  const all = JSON.stringify(Array.from({ length: 38 }, (_, at) => `s${at}`));

  /** Each is refused within a second, measured on two busy cores; the limit is ten times that, for a machine that is busier. */
  it.each<[string, string, string]>([
    ['ten thousand steps', 'steps.json', json(many(10_000, (at) => `{"id":"s${at}","value":1}`))],
    ['steps of many faults', 'faults.json', json(many(500, (at) => `{"id":"s","agent":"a${at}","after":["x","s"]}`))],
    ['conditions', 'conditions.json', json(many(250, (at) => `{"id":"s${at}","value":1,"when":"${condition}"}`))],
    [
      'a long condition',
      'condition.json',
      json(`{"id":"a","value":1,"when":"${'('.repeat(100)}${'1+'.repeat(400_000)}1"}`),
    ],
    ['a chain that ends nowhere', 'chain.json', json(chain(500))],
    ['edges', 'edges.json', json(many(500, (at) => `{"id":"s${at}","value":1,"after":${all}}`))],
    ['references', 'references.json', json(`{"id":"a","value":[${many(9_000, () => '{"$ref":"steps.gone.x"}')}]}`)],
    ['values', 'values.json', json(`{"id":"a","value":[${many(19_000, () => '0')}],"agent":"x"}`)],
    ['characters', 'characters.json', json(`{"id":"a","value":"${'x'.repeat(990_000)}","agent":"x"}`)],
    ['nesting', 'nesting.json', json(`{"id":"a","value":${'['.repeat(60)}${']'.repeat(60)}}`)],
    [
      'YAML steps',
      'steps.yaml',
      `version: 1\nname: x\nsteps:\n${many(4_000, (at) => `- {id: s${at}, value: 1}`, '\n')}`,
    ],
    ['YAML keys', 'keys2.yaml', many(9_000, (at) => `k${at}: 1`, '\n')],
    ['YAML aliases', 'aliases.yaml', `a: &a {x: 1}\nsteps: [${many(20_000, () => '*a')}]`],
    ['YAML anchors', 'anchors.yaml', many(6_000, (at) => `k${at}: &a${at} x`, '\n')],
    ['YAML text', 'text.yaml', `name: "${'\\u0041'.repeat(16_000)}"`],
  ])('is refused within seconds: %s', async (_, name, text) => {
    const startedAt = performance.now();
    const error: unknown = await load(name, text).catch((reason: unknown) => reason);
    const tookMs = performance.now() - startedAt;
    expect(error).toMatchObject({ type: 'Plan.Invalid' });
    expect((error as Error).message.split('\n').length).toBeLessThanOrEqual(22);
    expect(tookMs).toBeLessThan(10_000);
  });
});
