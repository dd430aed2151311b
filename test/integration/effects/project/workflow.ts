import { mapReduce, parallel, proxyAgents, proxyTools, saga, sequential } from 'segno/workflow';

const { cashier, planner } = proxyAgents<typeof import('./agents.js')>();
const tools = proxyTools<typeof import('./tools.js')>();

type Tool = 'charge' | 'chargeOrAsk' | 'chargeOrRepeat' | 'chargeBlindly' | 'chargeLate';

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

/** `orders` are booked one after the other, then what `then` says. */
export async function travel({
  name,
  orders,
  then,
}: {
  name: string;
  orders: string[];
  then: string;
}): Promise<string> {
  return saga(
    async (undo) => {
      for (const order of orders) await tools.book({ order: `${order}-${name}` });
      await tools.notify({ order: name });
      undo('notice', () => tools.notify({ order: `un-${name}` }));
      if (then === 'agent') await planner({ order: `agent-${name}` });
      if (then === 'nested') await saga(async () => tools.book({ order: `inner-${name}` }));
      if (then === 'map') {
        const items = [1, 2].map((item) => ({ order: `item${item}-${name}` }));
        await mapReduce({ items, map: tools.book });
      }
      if (then === 'both') {
        await parallel({
          fails: () => tools.book({ order: `refused-${name}` }),
          books: () => tools.book({ order: `beside-${name}` }),
        });
      }
      if (then === 'wait') await tools.wait({ order: name });
      if (then !== 'done') await tools.book({ order: `refused-${name}` });
      return 'travelled';
    },
    { rollbackTimeout: '2m' },
  );
}

/** What the first step has booked is given back by hand when the second fails. */
export async function bookInSteps({ name }: { name: string }): Promise<unknown> {
  return sequential<string>()
    .step('first', (order) => tools.book({ order }), { compensate: () => tools.notify({ order: `back-${name}` }) })
    .step('second', () => tools.book({ order: `refused-${name}` }))
    .run(name);
}
