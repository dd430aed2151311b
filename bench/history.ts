/** What a turn of an agent costs the history, and a long conversation with and without Segno. */
import type { Bench } from './bench.js';
import type { Row } from './statistics.js';

const cases = [
  { caller: 'quickCaller', target: 1.7 },
  { caller: 'longCaller', target: 2.5 },
] as const;

/** Bytes of one more turn, between runs of so many turns. */
async function bytesPerTurn(bench: Bench, caller: string, bytes: number, from: number, to: number): Promise<number> {
  const sizes = [];
  for (const turns of [from, to]) {
    const { id } = await bench.run('converse', { caller, turns, bytes });
    sizes.push(await allHistoryBytes(bench, id));
  }
  return (sizes[1]! - sizes[0]!) / (to - from);
}

export async function benchHistory(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { caller, target } of cases) {
    for (const [bytes, from, to] of [
      [100, 1, 11],
      [100, 80, 90],
      [100, 480, 490],
      [100_000, 1, 11],
    ] as const) {
      const kilobytes = (await bytesPerTurn(bench, caller, bytes, from, to)) / 1000;
      rows.push({
        figure: `history a turn, ${caller === 'quickCaller' ? 'quick' : 'remote'} tool, results of ${bytes} B, turns ${from} to ${to}`,
        value: `${kilobytes.toFixed(2)} KB`,
        target: `at most ${target} KB`,
        met: kilobytes <= target,
      });
    }
  }
  return rows;
}

/** 120 calls, each adding 8.4 KB: about 250,000 tokens at 4 bytes a token. */
const conversation = { turns: 120, bytes: 8_400 };

export async function benchConversation(bench: Bench): Promise<Row[]> {
  const { id } = await bench.run('converse', { caller: 'quickCaller', ...conversation });
  const steps = await bench.client.show(id);
  const own = await bench.historyBytes(id);
  const child = await childBytes(bench, id);
  const inputTokens = Math.max(...steps.steps.map(({ usage }) => usage.inputTokens));
  const bare = await bench.run('bareConversation', conversation, 'bare').then(
    async ({ id }) => `completed, history ${((await bench.historyBytes(id)) / 1e6).toFixed(1)} MB`,
    (error: unknown) =>
      `did not complete: ${error instanceof Error ? (error.cause instanceof Error ? error.cause.message : error.message) : String(error)}`,
  );
  return [
    {
      figure: `conversation of ${conversation.turns} calls, last prompt ${inputTokens} tokens, Segno`,
      value: `completed, history ${(own / 1e6).toFixed(2)} MB${child > 0 ? ` and ${(child / 1e6).toFixed(2)} MB in a child` : ''}`,
      target: 'under 1 MB',
      met: own < 1e6 && child < 1e6 && inputTokens > 200_000,
    },
    { figure: 'the same with the transcript in the payload, plain Temporal', value: bare },
  ];
}

/** Of the run and of every execution of the agent's own workflow, where it goes on after 100 turns. */
async function allHistoryBytes(bench: Bench, id: string): Promise<number> {
  let bytes = 0;
  for await (const info of bench.client.temporal.workflow.list({ query: `RootWorkflowId = "${id}"` })) {
    bytes += info.historySize ?? Number.NaN;
  }
  return bytes;
}

async function childBytes(bench: Bench, id: string): Promise<number> {
  let bytes = 0;
  const { runId } = await bench.client.show(id);
  for await (const info of bench.client.temporal.workflow.list({ query: `RootWorkflowId = "${id}"` })) {
    if (info.runId !== runId) bytes = Math.max(bytes, info.historySize ?? 0);
  }
  return bytes;
}
