import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import OpenAI from 'openai';
import { afterEach, describe, expect, it } from 'vitest';

const entry = new URL('../../../dist/workers/offlineModel/main.js', import.meta.url).pathname;

let child: ChildProcess | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
  child = undefined;
});

interface Started {
  readonly url: string;
  readonly exited: Promise<unknown[]>;
}

async function start(args: string[] = [], env: Record<string, string> = {}): Promise<Started> {
  const started = spawn(process.execPath, [entry, '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: { ...process.env, ...env },
  });
  child = started;
  const exited = once(started, 'exit');
  const [line] = (await once(createInterface({ input: started.stdout! }), 'line')) as [string];
  const ready = JSON.parse(line) as { ready: boolean; url: string };
  expect(ready).toEqual({ ready: true, url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/v1$/) as string });
  return { url: ready.url, exited };
}

async function failToStart(args: string[]): Promise<{ code: number; stderr: string }> {
  const failing = spawn(process.execPath, [entry, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  child = failing;
  let stderr = '';
  failing.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const [code] = (await once(failing, 'close')) as [number];
  return { code, stderr };
}

const asking = {
  model: 'segno-offline',
  messages: [{ role: 'user' as const, content: 'Revenue rose by 22 %. Summarize.' }],
};

describe('the offline model’s process', () => {
  it('announces its address and answers the official client', async () => {
    const { url } = await start();
    const client = new OpenAI({ baseURL: url, apiKey: 'any', maxRetries: 0 });
    const completion = await client.chat.completions.create(asking);
    expect(completion.choices[0]!.message.content).not.toBe('');
    expect(completion.usage!.total_tokens).toBeGreaterThan(0);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('ends cleanly on %s, though an answer hangs', async (signal) => {
    const { url, exited } = await start(['--faults', 'stall']);
    const response = await fetch(`${url}/chat/completions`, { method: 'POST', body: JSON.stringify(asking) });
    const reading = response.text().catch((error: unknown) => error);
    child!.kill(signal);
    expect(await exited).toEqual([0, null]);
    expect(await reading).toBeInstanceOf(Error);
  });

  it('ends when the parent’s channel is gone', async () => {
    const { exited } = await start();
    child!.disconnect();
    expect(await exited).toEqual([0, null]);
  });

  it('takes faults, seed, latency and a key', async () => {
    const { url } = await start(['--faults', '503:1,limit=1', '--seed', '7', '--latency-ms', '1'], {
      SEGNO_OFFLINE_API_KEY: 'sk-here',
    });
    const post = (key: string): Promise<Response> =>
      fetch(`${url}/chat/completions`, {
        method: 'POST',
        body: JSON.stringify(asking),
        headers: { authorization: `Bearer ${key}` },
      });
    const statuses = [await post('sk-there'), await post('sk-here'), await post('sk-here')].map(({ status }) => status);
    expect(statuses).toEqual([401, 503, 200]);
  });

  it('explains itself', async () => {
    const helping = spawn(process.execPath, [entry, '--help'], { stdio: ['ignore', 'pipe', 'inherit'] });
    child = helping;
    let stdout = '';
    helping.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    expect(await once(helping, 'close')).toEqual([0, null]);
    expect(stdout).toMatch(/Usage: segno offline-model .*--faults 429/s);
  });

  it.each([
    [['--faults', 'flood:0.1'], /no fault 'flood'; the kinds are/],
    [['--port', 'many'], /port/],
    [['--prot', '1'], /--prot/],
  ])('refuses %j with a reason', async (args, message) => {
    const { code, stderr } = await failToStart(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/Usage: /);
  });
});
