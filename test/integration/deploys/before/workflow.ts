import { proxyAgents, proxyTools } from 'segno/workflow';

const { clerk } = proxyAgents<typeof import('./agents.js')>({ timeout: '5m' });
const { lookUpSupplier, waitForGate, pay } = proxyTools<typeof import('./tools.js')>();

export async function payInvoices({ first, second }: { first: string; second: string }): Promise<string[]> {
  const known = await lookUpSupplier({ name: first });
  const decided = await clerk({ invoice: first });
  const { paid } = await pay({ invoice: first });
  await waitForGate({});
  const again = await lookUpSupplier({ name: second });
  const next = await clerk({ invoice: second });
  const { paid: last } = await pay({ invoice: second });
  return [String(known.trusted && decided.pay), paid, String(again.trusted && next.pay), last];
}
