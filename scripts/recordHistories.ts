/**
 * `npm run histories [-- CASE …]`: run the workflows of test/fixtures/historyProject and record them under
 * test/fixtures/histories/next/.
 * `npm run histories -- --freeze VERSION`: make what is there the histories of a release (CONTRIBUTING.md).
 *
 * Invariant: a recorded case is never overwritten. One that is to be recorded anew is deleted first, which is right only for
 * one that no release has.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { recordRun, replayHistory, scriptedModel, startTestServers, startTestStack } from 'segno/testing';
import { cases } from '../test/fixtures/historyProject/cases.js';
import type { RecordedCase } from '../test/fixtures/historyProject/recordedCase.js';
import config from '../test/fixtures/historyProject/segno.config.js';
import { freezeHistories } from './frozenHistories.js';

const histories = fileURLToPath(new URL('../test/fixtures/histories', import.meta.url));
const target = join(histories, 'next');

async function record(
  name: string,
  { run, script, project = { ...config, workflows: String(config.workflows) } }: RecordedCase,
): Promise<void> {
  const model = await scriptedModel(script ?? []);
  const stack = await startTestStack({ ...project, model: script ? model : 'offline' });
  // Where tools of the project find the ledger's database.
  process.env['DATABASE_URL'] = stack.databaseUrl;
  try {
    const id = await run(stack.client);
    const dir = join(target, name);
    await recordRun(stack.client, id, { dir });
    await replayHistory({ workflows: project.workflows, dir });
    model.assertDone();
  } finally {
    delete process.env['DATABASE_URL'];
    await stack.close();
    await model.close();
  }
}

async function recordAll(wanted: readonly string[]): Promise<void> {
  const unknown = wanted.filter((name) => !Object.hasOwn(cases, name));
  if (unknown.length > 0) {
    throw new Error(`no case is named ${unknown.join(', ')}; there are: ${Object.keys(cases).join(', ')}`);
  }
  const servers = await startTestServers();
  try {
    for (const [name, recorded] of Object.entries(cases)) {
      if (wanted.length > 0 && !wanted.includes(name)) continue;
      const there = existsSync(join(target, name));
      if (!there) await record(name, recorded);
      console.log(`${name}: ${there ? 'recorded already' : 'recorded'}`);
    }
  } finally {
    await servers.close();
  }
}

const { values, positionals } = parseArgs({ options: { freeze: { type: 'string' } }, allowPositionals: true });
if (values.freeze === undefined) await recordAll(positionals);
else freezeHistories(histories, values.freeze);
process.exit();
