import { mapReduce, proxyAgents, proxyTools } from '../../../../workflows/index.js';

const { clerk, writer, guest } = proxyAgents<typeof import('./agents.js')>({ timeout: '3m' });
const { send, lookUp, leak, fail } = proxyTools<typeof import('./tools.js')>({ timeout: '3m', maxAttempts: 1 });

interface Case {
  case: string;
  to?: string;
  text?: string;
}

export const askClerk = (given: Case) => clerk(given);
export const askGuest = (given: Case) => guest(given);
export const callSend = (given: Case) => send(given);
export const callLookUp = (given: Case) => lookUp(given);
export const callLeak = (given: Case) => leak(given);
export const callFail = (given: Case) => fail(given);

type Found = { found: string };
const joined = (all: Found[]): Found => ({ found: all.map(({ found }) => found).join('; ') });
const lines = (all: string[]): string => all.join('; ');

export const mapLookUp = ({ cases }: { cases: Case[] }) =>
  mapReduce({ items: cases, map: lookUp, reduce: joined, onFailure: 'continue' });
export const mapLeak = ({ cases }: { cases: Case[] }) =>
  mapReduce({ items: cases, map: leak, reduce: joined, onFailure: 'continue' });
export const mapWriter = ({ cases }: { cases: Case[] }) =>
  mapReduce({ items: cases, map: writer, reduce: lines, onFailure: 'continue' });
