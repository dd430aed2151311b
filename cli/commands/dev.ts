/**
 * `segno dev`: the whole of Segno on this machine, in the foreground, until Ctrl-C.
 *
 * Standard output carries the result (table or JSON line), standard error everything on the way.
 */
import { dirname, resolve } from 'node:path';
import { Command } from 'commander';
import pc from 'picocolors';
import { usesProviders, type ResolvedConfig } from '../../core/config.js';
import { SegnoError } from '../../core/errors.js';
import { findConfig, loadProject } from '../../workers/loadProject.js';
import { outsideConnections, type Connections } from '../../workers/embedded/resolveConnections.js';
import { startStack, type Stack } from '../../workers/embedded/startStack.js';
import { openStatusLine } from './statusLine.js';
import { listenForStop, untilAborted } from './stopRequest.js';
import { noticeLine, offlineNotice, stackJson, stackTable, withoutPassword } from './stackReport.js';

interface DevFlags {
  readonly dir?: string;
  readonly config?: string;
  readonly worker: boolean;
  readonly json: boolean;
}

const examples = `
Examples:
  $ segno dev                      start everything for the project in this folder
  $ segno dev --dir ../other       for another project
  $ segno dev --json | head -n 1   one line with every address, once all is ready
  $ segno dev --no-worker          servers only; the worker runs in your debugger
  $ TEMPORAL_ADDRESS=host:7233 segno dev   use that Temporal, start only the rest

Code is read when it starts: stop it and start it again after a change; runs in progress go on with the new code.
State lives in .segno/ and survives a kill: the next start goes on where this one was. Logs: .segno/logs/.`;

export function devCommand(): Command {
  return new Command('dev')
    .description('start Temporal, the ledger, the offline model and a worker on this machine')
    .option('--dir <folder>', 'the project (default: the nearest folder with a segno.config.ts)')
    .option('--config <file>', 'the config, if it is not segno.config.ts in the project')
    .option('--no-worker', 'start the servers only')
    .option('--json', 'print one line of JSON when all is ready', false)
    .addHelpText('after', examples)
    .action(async (flags: DevFlags) => {
      await runDev(flags);
    });
}

async function runDev(flags: DevFlags): Promise<void> {
  const { dir, configPath } = locate(flags);
  const color = pc.isColorSupported && process.stderr.isTTY;
  const status = openStatusLine();
  // Beside the start, not before it; what is wrong with the config the worker reports.
  const project = configPath === undefined ? undefined : loadProject({ configPath }).catch(() => undefined);
  const request = listenForStop(() => status.say('Stopping. Once more ends everything at once.'));
  const startedAt = Date.now();
  if (!flags.json) status.say('Starting Segno ...');
  try {
    const stack = await startStack({
      dir,
      ...(configPath !== undefined && { configPath }),
      worker: flags.worker,
      signal: request.stop,
      forceSignal: request.force,
      onEvent: (event) => status.say(noticeLine(event, color)),
      onProgress: (progress) => status.progress(progress),
    });
    printReady(stack, { flags, tookMs: Date.now() - startedAt, config: (await project)?.config });
    const failure = await Promise.race([stack.gaveUp, untilAborted(request.stop)]);
    await stack.stop();
    if (failure) throw failure;
  } catch (error) {
    if (!request.stop.aborted) throw error;
    process.exitCode = 130;
  } finally {
    request.close();
  }
  if (!flags.json) status.say('Stopped.');
}

/** @throws SegnoError `Config.Missing` when a worker is wanted and there is no config for it */
function locate(flags: DevFlags): { dir: string; configPath: string | undefined } {
  const from = resolve(flags.dir ?? '.');
  const configPath = flags.config === undefined ? findConfig(from) : resolve(flags.config);
  const dir = flags.dir === undefined && configPath !== undefined ? dirname(configPath) : from;
  if (!flags.worker) return { dir, configPath: undefined };
  if (configPath === undefined)
    throw new SegnoError('Config.Missing', `There is no segno.config.ts in ${from} or above.`);
  return { dir, configPath };
}

interface ReadyFacts {
  readonly flags: DevFlags;
  readonly tookMs: number;
  readonly config: ResolvedConfig | undefined;
}

function printReady(stack: Stack, { flags, tookMs, config }: ReadyFacts): void {
  const color = pc.isColorSupported && process.stdout.isTTY;
  const running = { addresses: stack.addresses, namespace: stack.namespace, pid: process.pid };
  const outside = outsideAddresses(outsideConnections(process.env));
  if (flags.json) {
    process.stdout.write(`${stackJson(running, outside)}\n`);
    return;
  }
  const offline = config && !usesProviders(config.models) ? [offlineNotice(color)] : [];
  const ready = `Segno is ready (${(tookMs / 1000).toFixed(1)} s). Ctrl-C stops it.`;
  process.stdout.write(`${[stackTable(running, outside, color), ...offline, ready].join('\n')}\n`);
}

function outsideAddresses({ temporal, ledger, model }: Connections): Record<string, string> {
  return {
    ...(temporal && { Temporal: `${temporal.address}, namespace ${temporal.namespace}` }),
    ...(ledger && { Ledger: withoutPassword(ledger.url) }),
    ...(model && { Model: withoutPassword(model.url) }),
  };
}
