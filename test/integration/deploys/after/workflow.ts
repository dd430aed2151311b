import { patched } from '@temporalio/workflow';
import { proxyAgents, proxyTools } from 'segno/workflow';

const { clerk, auditor } = proxyAgents<typeof import('./agents.js')>({ timeout: '5m' });
const { lookUpSupplier, waitForGate, pay } = proxyTools<typeof import('./tools.js')>();

export async function payInvoices({ first, second }: { first: string; second: string }): Promise<string[]> {
  const known = await lookUpSupplier({ name: first });
  const decided = await clerk({ invoice: first });
  if (patched('no-payment-without-a-decision') && !decided.pay) return [];
  const { paid } = await pay({ invoice: first });
  await waitForGate({});
  const again = await lookUpSupplier({ name: second });
  const next = await clerk({ invoice: second });
  const { paid: last } = await pay({ invoice: second });
  const results = [String(known.trusted && decided.pay), paid, String(again.trusted && next.pay), last];
  if (!patched('audit-what-was-paid')) return results;
  const { fine } = await auditor({ paid: [paid, last] });
  return [...results, fine ? 'audited' : 'doubtful'];
}
