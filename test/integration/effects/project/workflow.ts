import { mapReduce, proxyAgents, proxyTools } from 'segno/workflow';

const { cashier } = proxyAgents<typeof import('./agents.js')>();
const tools = proxyTools<typeof import('./tools.js')>();

type Tool = 'charge' | 'chargeOrAsk' | 'chargeOrRepeat' | 'chargeBlindly';

export async function pay({ tool, order }: { tool: Tool; order: string }): Promise<string> {
  return (await tools[tool]({ order, card: '4111' })).receipt;
}

export async function payByAgent({ order }: { order: string }): Promise<string> {
  return (await cashier({ order })).paid;
}

export async function payAll({ orders }: { orders: string[] }): Promise<number> {
  const { steps } = await mapReduce({
    items: orders.map((order) => ({ order })),
    map: tools.charge,
    onFailure: 'continue',
  });
  return steps.completed;
}
