/**
 * Entry of the embedded ledger's process: `node dist/ledger/pgliteServer.js --data-dir D --port P [--template-dir T]`.
 * Prints one line of JSON when it is ready. Ends on SIGTERM, SIGINT, and when the parent that it has an IPC channel to is
 * gone.
 */
import { parseArgs } from 'node:util';
import { runPgliteServer } from './embedded.js';

const { values } = parseArgs({
  options: {
    'data-dir': { type: 'string' },
    'template-dir': { type: 'string' },
    port: { type: 'string', default: '5432' },
    host: { type: 'string', default: '127.0.0.1' },
  },
});

function fail(error: unknown): never {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

const dataDir = values['data-dir'];
const port = Number(values.port);
if (!dataDir) fail(new Error('--data-dir names the directory of the database.'));
if (!Number.isInteger(port) || port < 0 || port > 65_535) fail(new Error(`--port ${values.port} is not a port.`));

let ending = false;
const starting = runPgliteServer({
  dataDir,
  templateDir: values['template-dir'],
  host: values.host,
  port,
  onFatal: fail,
});

function end(): void {
  if (ending) return;
  ending = true;
  starting.then((server) => server.close()).then(() => process.exit(0), fail);
}

process.on('SIGTERM', end);
process.on('SIGINT', end);
process.on('disconnect', end);

starting.then(({ url }) => {
  if (!ending) process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
}, fail);
