import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findFixtures, replayAll } from 'segno/testing';
import { bundleWorkflows } from 'segno/worker';
import { fileURLToPath } from 'node:url';
import { exampleWorkflows, histories, recordedWorkflows } from './workflowFiles.js';

const versions = readdirSync(histories, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() && entry.name !== 'retired' ? [entry.name] : [],
);
const recorded = findFixtures(histories).filter((name) => !name.startsWith('retired'));

describe('runs recorded earlier', () => {
  let workflowBundle: { code: string };
  beforeAll(async () => {
    workflowBundle = await bundleWorkflows(recordedWorkflows.map((url) => fileURLToPath(url)));
  });

  it('are there for every path a message can take', () => {
    expect(recorded.length).toBeGreaterThanOrEqual(18);
  });

  it.each(exampleWorkflows)('are there for each workflow of %s', (url) => {
    const source = readFileSync(fileURLToPath(url), 'utf8');
    const names = [...source.matchAll(/^export async function (\w+)/gm)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) expect(recorded.filter((path) => path.includes(`/${name}/`))).not.toEqual([]);
  });

  it.each(versions)('of %s replay under the code of today', { timeout: 240_000 }, async (version) => {
    await replayAll({ workflowBundle, dir: join(histories, version) });
  });
});
