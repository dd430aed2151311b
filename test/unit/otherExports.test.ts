import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleWorkflows } from '../../workers/bundleWorkflows.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'segno-exports-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const module = `
import * as wf from '@temporalio/workflow';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
export const stop = defineSignal('stop');
export const progress = defineQuery<number>('progress');
export const change = wf.defineUpdate<void, [string]>('change');
const hidden = defineUpdate('hidden');
export { hidden as shown };
export const limit: number = 3;
export const names = ['a'];
export const options = { limit };
export class State {}
const wrap = (body: () => Promise<void>) => body;
export const wrapped = wrap(async () => undefined);
export const arrow = async (): Promise<void> => undefined;
export async function declared(): Promise<void> {}
async function later(): Promise<void> {}
export { later };
export default async function (): Promise<void> {}
export * from './more.js';
`;

describe('the workflows of a bundle', () => {
  it('are what may be one: no signals, queries, updates, constants or classes', async () => {
    await writeFile(join(dir, 'workflow.ts'), module);
    await writeFile(join(dir, 'more.ts'), 'export async function elsewhere(): Promise<void> {}');
    const { workflows } = await bundleWorkflows([join(dir, 'workflow.ts')]);
    expect(workflows).toEqual(['arrow', 'declared', 'default', 'elsewhere', 'later', 'wrapped']);
  });
});
