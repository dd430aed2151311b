import { fail } from '../failure.js';

const attempts = 3;

/**
 * Ask until a reply can be used: one that cannot goes back with what was wrong with it, twice.
 *
 * @throws ApplicationFailure `Peer.InvalidReply`
 */
export async function usableReply<Reply>(
  who: string,
  ask: (faults: string[]) => Promise<Reply>,
  faultsOf: (reply: Reply) => string[],
): Promise<Reply> {
  const told: string[] = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const reply = await ask([...told]);
    const faults = faultsOf(reply);
    if (faults.length === 0) return reply;
    told.push(...faults);
  }
  throw fail('Peer.InvalidReply', `${who} gave no reply that can be used: ${told.join('; ').slice(0, 1_000)}`);
}
