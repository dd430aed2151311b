/** Finds ports on 127.0.0.1 that nobody uses. */
import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

const host = '127.0.0.1';
const connectTimeoutMs = 500;

/** Below the ports that Linux (32768) and macOS (49152) give to outgoing connections: one of those may be gone any moment. */
const drawnPorts = { from: 10_240, to: 32_767 } as const;
const drawAttempts = 100;

/**
 * The first of the preferred ports that is free, else one drawn from those that are.
 *
 * @param taken ports promised to others already; the chosen one is added
 */
export async function chooseFreePort(preferred: readonly (number | undefined)[], taken: Set<number>): Promise<number> {
  for (const port of preferred) {
    if (port === undefined || taken.has(port) || !(await isFreePort(port))) continue;
    taken.add(port);
    return port;
  }
  for (let attempt = 0; ; attempt++) {
    const port = attempt < drawAttempts ? randomInt(drawnPorts.from, drawnPorts.to + 1) : await bind(0);
    if (port === undefined || taken.has(port) || !(await isFreePort(port))) continue;
    taken.add(port);
    return port;
  }
}

/** Neither bound nor answered by anybody: some systems let us bind 127.0.0.1 beside another's 0.0.0.0. */
export async function isFreePort(port: number): Promise<boolean> {
  return (await bind(port)) !== undefined && !(await answers(port));
}

async function bind(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined));
    });
  });
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: connectTimeoutMs });
    const settle = (answered: boolean) => (): void => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', settle(true)).once('error', settle(false)).once('timeout', settle(false));
  });
}
