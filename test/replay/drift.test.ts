import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findFixtures, HistoryDriftError, replayAll, replayHistory } from 'segno/testing';
import { bundleWorkflows } from 'segno/worker';
import { changed, histories, recordedWorkflows } from './workflowFiles.js';

/** Under `next` until a release, under its version from then on. */
function recorded(name: string): string {
  const found = findFixtures(histories).find((path) => !path.startsWith('retired') && path.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`no run is recorded as ${name}`);
  return join(histories, found);
}

const bundles = new Map<string, ReturnType<typeof bundleWorkflows>>();

/** A changed workflow, or all as they are; each is bundled once. */
async function bundled(file?: string): Promise<{ workflowBundle: { code: string } }> {
  const key = file ?? '';
  const urls = file === undefined ? recordedWorkflows : [changed(file)];
  const bundle = bundles.get(key) ?? bundleWorkflows(urls.map((url) => fileURLToPath(url)));
  bundles.set(key, bundle);
  return { workflowBundle: await bundle };
}

async function driftOf(file: string, name: string): Promise<string> {
  const error: unknown = await replayHistory({ ...(await bundled(file)), dir: recorded(name) }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(HistoryDriftError);
  return (error as HistoryDriftError).message;
}

describe('a workflow that was changed without patched()', () => {
  it('is noticed when it asks for one more step, by the first event it does not produce', async () => {
    const message = await driftOf('addedStep.ts', 'summarizeText/answered');
    expect(message).toContain('summarizeText does not replay');
    expect(message).toMatch(/First event the code does not produce: event 11, workflow execution completed/);
    expect(message).toContain('patched()');
  });

  it('is noticed when it asks another agent in the place of one', async () => {
    const message = await driftOf('swappedAgent.ts', 'summarizeText/answered');
    expect(message).toMatch(
      /First event the code does not produce: event 5, activity task scheduled \(step summarizer#1\/turn#1\)/,
    );
  });

  it('is noticed when it calls another quick tool in the place of one, which Temporal cannot see', async () => {
    const message = await driftOf('swappedQuickTool.ts', 'repeatText/largePayloads');
    expect(message).toContain('No longer asked for: lookUp#1');
    expect(message).toContain('New: hesitant#1');
  });

  it('is noticed for runs from before the change only', async () => {
    await expect(driftOf('unpatched.ts', 'reviewText/beforePatch')).resolves.toContain('reviewText does not replay');
  });

  it('is named with every run it breaks', async () => {
    const replaying = replayAll({
      ...(await bundled('unpatched.ts')),
      dir: dirname(recorded('reviewText/afterPatch')),
    });
    await expect(replaying).rejects.toThrow(/[12] of 2 runs do not replay:\n.*beforePatch/s);
  });

  it('is told from a folder without recorded runs', async () => {
    const dir = join(recorded('repeatText/largePayloads'), 'blobs');
    await expect(replayAll({ ...(await bundled('unpatched.ts')), dir })).rejects.toThrow('no recorded runs');
  });
});

describe('a workflow that was changed with patched()', () => {
  it('replays runs from before the change and from after it', async () => {
    const names = await replayAll({ workflows: recordedWorkflows, dir: dirname(recorded('reviewText/afterPatch')) });
    expect(names).toEqual(['afterPatch', 'beforePatch']);
  });
});

describe('a changed agent', () => {
  it.each(['quickTool', 'outputRepaired', 'movedToChild'])(
    'is no drift: instructions, types, tools and limits stand in history (%s)',
    async (name) => {
      await replayHistory({ ...(await bundled('otherAgents.ts')), dir: recorded(`askResearcher/${name}`) });
    },
  );
});

describe('a recorded run with claim-checked payloads', () => {
  it('does not replay without its blobs, and says which one is missing', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'segno-replay-'));
    try {
      cpSync(recorded('repeatText/largePayloads'), dir, { recursive: true });
      rmSync(join(dir, 'blobs'), { recursive: true });
      await expect(replayHistory({ ...(await bundled()), dir })).rejects.toThrow(/is not in the ledger|no blob/);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});
