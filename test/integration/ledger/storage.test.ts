import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import {
  appendNodes,
  beat,
  beginStep,
  claimDead,
  eraseScope,
  findSilent,
  findUnrecovered,
  finishStep,
  getBlob,
  hashJson,
  ledgerBlobStore,
  listSteps,
  listWorkers,
  loadTranscript,
  markDead,
  markRecovered,
  maxBlobBytes,
  putBlob,
  registerWorker,
  retireWorker,
  runsTouchedBy,
  sha256Hex,
  transcriptNode,
  usageByAgent,
  usageOfRun,
} from '../../../ledger/index.js';
import type { RunPeriod } from '../../../ledger/runs.js';
import type { Ledger, TranscriptNode } from '../../../ledger/index.js';
import { canonicalJson } from '../../../core/canonicalJson.js';
import { aModelCall, aStep, describeOnBothDatabases } from './databases.js';

function chain(messages: readonly unknown[], from: string | null = null): TranscriptNode[] {
  const nodes: TranscriptNode[] = [];
  let parent = from;
  for (const message of messages) {
    const node = transcriptNode(parent, message);
    nodes.push(node);
    parent = node.hash;
  }
  return nodes;
}

const headOf = (nodes: readonly TranscriptNode[]) => nodes.at(-1)?.hash ?? '';

describeOnBothDatabases((database) => {
  describe('a transcript', () => {
    it('comes back from the first message to the head', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const messages = ['hello', { role: 'assistant', content: 'a\u0000b' }, null, [1, { x: 'é' }]];
      const nodes = chain(messages);
      await appendNodes(ledger, { tenant, scope: 's', nodes });
      expect(await loadTranscript(ledger, { tenant, head: headOf(nodes) })).toEqual(messages);
      expect(await loadTranscript(ledger, { tenant, head: nodes[1]?.hash ?? '' })).toEqual(messages.slice(0, 2));
    });

    it('forks at any message, in another scope too, and each branch is its own', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const trunk = chain(['a', 'b', 'c']);
      const fork = chain(['other c', 'd'], trunk[1]?.hash);
      await appendNodes(ledger, { tenant, scope: 'one', nodes: trunk });
      await appendNodes(ledger, { tenant, scope: 'two', nodes: [...trunk.slice(0, 2), ...fork] });
      expect(await loadTranscript(ledger, { tenant, head: headOf(trunk) })).toEqual(['a', 'b', 'c']);
      expect(await loadTranscript(ledger, { tenant, head: headOf(fork) })).toEqual(['a', 'b', 'other c', 'd']);
    });

    it('reads messages whose content lies in a blob, of any size', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const messages = [{ text: 'small' }, { text: 'x'.repeat(1_500_000) }];
      const nodes: TranscriptNode[] = [];
      for (const node of chain(messages)) {
        const bytes = Buffer.from(canonicalJson(node.message));
        const { sha256 } = await putBlob(ledger, { tenant, scope: 's', bytes, mediaType: 'application/json' });
        nodes.push({ hash: node.hash, parent: node.parent, contentHash: sha256 });
      }
      await appendNodes(ledger, { tenant, scope: 's', nodes });
      expect(await loadTranscript(ledger, { tenant, head: headOf(nodes) })).toEqual(messages);
    });

    it('of another tenant, or with a message missing, is an error and not a shorter transcript', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const nodes = chain(['a', 'b', 'c']);
      await appendNodes(ledger, { tenant, scope: 's', nodes: nodes.slice(1) });
      const missing = { type: 'Payload.Missing' };
      await expect(loadTranscript(ledger, { tenant, head: headOf(nodes) })).rejects.toMatchObject(missing);
      await appendNodes(ledger, { tenant, scope: 's', nodes });
      expect(await loadTranscript(ledger, { tenant, head: headOf(nodes) })).toHaveLength(3);
      await expect(loadTranscript(ledger, { tenant: 'other', head: headOf(nodes) })).rejects.toMatchObject(missing);
    });

    it('of 1,000 messages and 1 MB loads in one query', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const messages = Array.from({ length: 1_000 }, (_, index) => ({ index, content: 'y'.repeat(1_000) }));
      const nodes = chain(messages);
      await appendNodes(ledger, { tenant, scope: 's', nodes });
      const queries: string[] = [];
      const counting: Ledger = {
        ...ledger,
        query: (text, ...rest) => (queries.push(text), ledger.query(text, ...rest)),
      };
      expect(await loadTranscript(counting, { tenant, head: headOf(nodes) })).toEqual(messages);
      expect(queries).toHaveLength(1);
    });

    it('and its documents are written with the step that made them', async () => {
      const { ledger } = database();
      const step = aStep();
      await beginStep(ledger, step);
      const nodes = chain(['question', 'answer']);
      const bytes = Buffer.from([0, 255, 1, 254]);
      const blobs = [{ bytes, mediaType: 'application/octet-stream', name: 'four.bin' }];
      await finishStep(ledger, { key: step.key, epoch: 1, owner: step.owner, result: 1, nodes, blobs });
      const { tenant } = step;
      expect(await loadTranscript(ledger, { tenant, head: headOf(nodes) })).toEqual(['question', 'answer']);
      const stored = await getBlob(ledger, { tenant, sha256: sha256Hex(bytes) });
      expect(Buffer.from(stored.bytes)).toEqual(bytes);
      expect(stored.ref).toMatchObject({ mediaType: 'application/octet-stream', name: 'four.bin', bytes: 4 });
    });
  });

  describe('a blob', () => {
    it.each([0, 1, 1_048_576, 1_048_577, maxBlobBytes])('of %i bytes comes back as it was', async (length) => {
      const { ledger } = database();
      const tenant = randomUUID();
      const bytes = length > 10_000_000 ? Buffer.alloc(length, randomBytes(1_021)) : randomBytes(length);
      const ref = await putBlob(ledger, { tenant, scope: 's', bytes, mediaType: 'application/pdf', name: 'a.pdf' });
      expect(ref).toEqual({ sha256: sha256Hex(bytes), mediaType: 'application/pdf', bytes: length, name: 'a.pdf' });
      const stored = await getBlob(ledger, { tenant, sha256: ref.sha256 });
      expect(stored.ref).toEqual(ref);
      expect(bytes.equals(stored.bytes)).toBe(true);
    });

    it('too large, or missing, or another tenant’s, is refused', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const tooLarge = { tenant, scope: 's', bytes: Buffer.alloc(maxBlobBytes + 1), mediaType: 'x/y' };
      await expect(putBlob(ledger, tooLarge)).rejects.toMatchObject({ type: 'Document.TooLarge' });
      const { sha256 } = await putBlob(ledger, { tenant, scope: 's', bytes: Buffer.from(tenant), mediaType: 'x/y' });
      const missing = { type: 'Document.Missing' };
      await expect(getBlob(ledger, { tenant: 'other', sha256 })).rejects.toMatchObject(missing);
      await expect(getBlob(ledger, { tenant, sha256: '0'.repeat(64) })).rejects.toMatchObject(missing);
    });

    it('stored by many at once is one blob', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const bytes = randomBytes(2_500_000);
      const put = () => putBlob(ledger, { tenant, scope: 's', bytes, mediaType: 'x/y' });
      const refs = await Promise.all([put(), put(), put(), put()]);
      expect(new Set(refs.map((ref) => ref.sha256)).size).toBe(1);
      const stored = await getBlob(ledger, { tenant, sha256: refs[0]?.sha256 ?? '' });
      expect(bytes.equals(stored.bytes)).toBe(true);
    });
  });

  describe('erasing a scope', () => {
    it('removes its steps, transcripts and documents, keeps the bill, and touches no other scope', async () => {
      const { ledger } = database();
      const tenant = randomUUID();
      const [one, two] = [aModelCall({ tenant }), aModelCall({ tenant })];
      const bytes = randomBytes(1_500_000);
      const usage = { inputTokens: 5, outputTokens: 5, cachedInputTokens: 0, costPicoUsd: 50n, estimated: false };
      const nodes = chain(['shared']);
      for (const step of [one, two]) {
        await beginStep(ledger, step);
        const blobs = [{ bytes, mediaType: 'x/y' }];
        await finishStep(ledger, { key: step.key, epoch: 1, owner: step.owner, result: 'r', usage, nodes, blobs });
      }
      const sha256 = sha256Hex(bytes);
      const kept = async () => {
        expect(bytes.equals((await getBlob(ledger, { tenant, sha256 })).bytes)).toBe(true);
        expect(await loadTranscript(ledger, { tenant, head: headOf(nodes) })).toEqual(['shared']);
      };

      expect(await eraseScope(ledger, { tenant: 'other', scope: one.scope })).toEqual({ steps: 0, nodes: 0, blobs: 0 });
      expect(await eraseScope(ledger, { tenant, scope: one.scope })).toEqual({ steps: 1, nodes: 1, blobs: 1 });
      expect(await listSteps(ledger, { scope: one.scope })).toEqual([]);
      expect(await listSteps(ledger, { scope: two.scope })).toHaveLength(1);
      await kept();
      await eraseScope(ledger, { tenant, scope: two.scope });
      await expect(getBlob(ledger, { tenant, sha256 })).rejects.toMatchObject({ type: 'Document.Missing' });
      expect((await usageOfRun(ledger, one)).costPicoUsd).toBe(50n);
      const { rows } = await ledger.query('select 1 from segno.blob_parts where tenant = $1', [tenant]);
      expect(rows).toEqual([]);
    });
  });

  it('erasing a scope takes the large payloads of its child workflows along', async () => {
    const { ledger } = database();
    const tenant = randomUUID();
    const child = aStep({ tenant, workflowId: `child-${randomUUID()}` });
    await beginStep(ledger, child);
    const store = ledgerBlobStore(ledger, tenant);
    const [ofChild, ofOther] = [randomBytes(1_100_000), randomBytes(20_000)];
    const sha256 = await store.put(ofChild, child.workflowId);
    const kept = await store.put(ofOther, 'another-run');
    expect(await eraseScope(ledger, { tenant, scope: child.scope })).toMatchObject({ steps: 1, blobs: 1 });
    await expect(store.get(sha256)).rejects.toMatchObject({ type: 'Document.Missing' });
    expect(ofOther.equals(await store.get(kept))).toBe(true);
  });

  describe('reading a run', () => {
    it('lists its steps in the order in which they began, with what they cost', async () => {
      const { ledger } = database();
      const first = aModelCall({ path: 'b#1' });
      const { runId, scope } = first;
      const second = aStep({ runId, scope, path: 'a#1' });
      await beginStep(ledger, first);
      await beginStep(ledger, second);
      await beginStep(ledger, { ...first, attempt: 2 });
      const usage = { inputTokens: 5, outputTokens: 6, cachedInputTokens: 2, costPicoUsd: 50n, estimated: false };
      await finishStep(ledger, {
        key: first.key,
        epoch: 2,
        owner: first.owner,
        result: 'r',
        usage,
        detail: { turn: 1 },
      });
      const steps = await listSteps(ledger, { scope, tenant: first.tenant });
      expect(steps.map((step) => step.path)).toEqual(['b#1', 'a#1']);
      expect(steps[0]).toMatchObject({
        kind: 'model',
        name: 'riskAnalyst',
        state: 'done',
        attempts: 2,
        model: 'small-1',
        resultBytes: 3,
        detail: { turn: 1 },
        error: undefined,
        usage: { inputTokens: 1_005, outputTokens: 506, cachedInputTokens: 2, costPicoUsd: 6_050n, estimated: true },
      });
      expect(Date.parse(steps[0]?.finishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(steps[0]?.createdAt ?? ''));
      expect(steps[1]).toMatchObject({ state: 'sent', finishedAt: undefined, resultBytes: undefined });
      expect(await listSteps(ledger, { scope, tenant: 'other' })).toEqual([]);
    });

    it('sums usage by agent and model, the most expensive first, and by run', async () => {
      const { ledger } = database();
      const scope = randomUUID();
      const costs = [
        { name: 'editor', costPicoUsd: 10n },
        { name: 'writer', costPicoUsd: 70n },
        { name: 'editor', costPicoUsd: 20n },
      ];
      for (const { name, costPicoUsd } of costs) {
        const step = aModelCall({ name, scope });
        await beginStep(ledger, step);
        const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, costPicoUsd, estimated: false };
        await finishStep(ledger, { key: step.key, epoch: 1, owner: step.owner, result: 'r', usage });
      }
      const sums = await usageByAgent(ledger, { scope });
      expect(sums.map(({ name, costPicoUsd, attempts }) => ({ name, costPicoUsd, attempts }))).toEqual([
        { name: 'writer', costPicoUsd: 70n, attempts: 1 },
        { name: 'editor', costPicoUsd: 30n, attempts: 2 },
      ]);
      expect((await usageOfRun(ledger, { scope })).costPicoUsd).toBe(100n);
    });

    it('keeps apart the costs of runs that had the same id, their child workflows included', async () => {
      const { ledger } = database();
      const scope = randomUUID();
      const spend = async (runId: string, workflowId: string, costPicoUsd: bigint) => {
        const step = aModelCall({ runId, workflowId, scope });
        await beginStep(ledger, step);
        const usage = { inputTokens: 1, outputTokens: 1, cachedInputTokens: 0, costPicoUsd, estimated: false };
        await finishStep(ledger, { key: step.key, epoch: 1, owner: step.owner, result: 'r', usage });
      };
      // A date has milliseconds, the ledger microseconds.
      const now = async () => {
        await delay(2);
        const { rows } = await ledger.query<{ now: Date }>('select clock_timestamp() as now');
        return rows[0]!.now.toISOString();
      };
      const first = { runId: randomUUID(), startedAt: await now() };
      await spend(first.runId, scope, 1n);
      await spend(randomUUID(), 'child', 20n);
      const closedAt = await now();
      const second = { runId: randomUUID(), startedAt: closedAt };
      await spend(second.runId, scope, 300n);
      await spend(randomUUID(), 'child', 4_000n);
      const cost = async (period: RunPeriod) => (await usageOfRun(ledger, { scope, period })).costPicoUsd;
      expect(await cost({ ...first, closedAt })).toBe(21n);
      expect(await cost(second)).toBe(4_300n);
    });
  });

  describe('workers', () => {
    const aWorker = (instance = randomUUID()) => ({
      instance,
      identity: `segno@${instance}`,
      hostId: 'host',
      pid: 42,
      processStartedAt: '123456',
      taskQueue: 'queue',
      buildId: 'build',
    });
    const instances = (workers: readonly { instance: string }[]) => workers.map((worker) => worker.instance);

    it('are alive while they beat, and learn from a beat that they were declared dead', async () => {
      const { ledger } = database();
      const worker = aWorker();
      expect(await beat(ledger, worker.instance)).toEqual({ alive: false });
      await registerWorker(ledger, worker);
      expect(await beat(ledger, worker.instance)).toEqual({ alive: true });
      expect((await listWorkers(ledger)).find(({ instance }) => instance === worker.instance)).toMatchObject({
        ...worker,
        state: 'active',
      });
      expect(await markDead(ledger, worker.instance)).toBe(true);
      expect(await markDead(ledger, worker.instance)).toBe(false);
      expect(await beat(ledger, worker.instance)).toEqual({ alive: false });
      await registerWorker(ledger, worker);
      expect(await beat(ledger, worker.instance)).toEqual({ alive: false });
    });

    it('are silent when they have not beaten for so long, and a beat in between saves them', async () => {
      const { ledger } = database();
      const [silent, stopped] = [aWorker(), aWorker()];
      await registerWorker(ledger, silent);
      await registerWorker(ledger, stopped);
      await retireWorker(ledger, stopped.instance);
      const found = instances(await findSilent(ledger, { olderThanMs: 0 }));
      expect(found).toContain(silent.instance);
      expect(found).not.toContain(stopped.instance);
      expect(instances(await findSilent(ledger, { olderThanMs: 60_000 }))).not.toContain(silent.instance);
      expect(await markDead(ledger, silent.instance, 60_000)).toBe(false);
      expect(await markDead(ledger, silent.instance, 0)).toBe(true);
    });

    it('that are dead are recovered by one survivor; if that dies, by another; once recovered, by nobody', async () => {
      const { ledger } = database();
      const [dead, first, second] = [aWorker(), aWorker(), aWorker()];
      for (const worker of [dead, first, second]) await registerWorker(ledger, worker);
      expect(await claimDead(ledger, dead.instance, first.instance)).toBe(false);
      await markDead(ledger, dead.instance);
      const claims = await Promise.all(
        [first, second].map((worker) => claimDead(ledger, dead.instance, worker.instance)),
      );
      expect(claims.filter(Boolean)).toHaveLength(1);
      const [winner, loser] = claims[0] ? [first, second] : [second, first];
      expect(await claimDead(ledger, dead.instance, winner.instance)).toBe(true);
      expect(instances(await findUnrecovered(ledger, loser.instance))).not.toContain(dead.instance);
      expect(instances(await findUnrecovered(ledger, winner.instance)), 'a recovery that failed').toContain(
        dead.instance,
      );
      await markDead(ledger, winner.instance);
      expect(instances(await findUnrecovered(ledger, loser.instance))).toEqual(
        expect.arrayContaining([dead.instance, winner.instance]),
      );
      expect(await claimDead(ledger, dead.instance, loser.instance)).toBe(true);
      await markRecovered(ledger, dead.instance, loser.instance);
      expect(await claimDead(ledger, dead.instance, loser.instance)).toBe(false);
      expect(instances(await findUnrecovered(ledger, loser.instance))).not.toContain(dead.instance);
    });

    it('that are dead leave model calls that count at their upper bound although nobody takes them over', async () => {
      const { ledger } = database();
      const worker = aWorker();
      await registerWorker(ledger, worker);
      const step = aModelCall({ owner: worker.instance });
      await beginStep(ledger, step);
      const nothing = { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, costPicoUsd: 0n, estimated: false };
      expect(await usageOfRun(ledger, step)).toEqual(nothing);
      await markDead(ledger, worker.instance);
      const upper = { ...nothing, inputTokens: 1_000, outputTokens: 500, costPicoUsd: 6_000n, estimated: true };
      expect(await usageOfRun(ledger, step)).toEqual(upper);
      expect((await listSteps(ledger, step))[0]?.usage).toEqual(upper);
      const usage = { ...nothing, inputTokens: 9, costPicoUsd: 9n };
      await finishStep(ledger, { key: step.key, epoch: 1, owner: worker.instance, result: 'late', usage });
      expect(await usageOfRun(ledger, step)).toEqual(usage);
    });

    it('leave behind the runs they touched, the most recent first, as many as asked for', async () => {
      const { ledger } = database();
      const owner = randomUUID();
      const steps = [aStep({ owner }), aStep({ owner }), aStep({ owner })];
      for (const step of steps) await beginStep(ledger, step);
      const again = aStep({ owner, runId: steps[0]?.runId ?? '', path: 'later#1' });
      await beginStep(ledger, again);
      const runs = await runsTouchedBy(ledger, owner);
      expect(runs.map((run) => run.runId)).toEqual([steps[0]?.runId, steps[2]?.runId, steps[1]?.runId]);
      expect(runs[0]?.workflowId).toBe(`workflow-${steps[0]?.runId}`);
      expect(await runsTouchedBy(ledger, owner, { limit: 1 })).toEqual(runs.slice(0, 1));
    });
  });

  it('hashJson names a result however its keys are ordered', () => {
    expect(hashJson({ a: 1, b: 2 })).toBe(hashJson({ b: 2, a: 1 }));
  });
});
