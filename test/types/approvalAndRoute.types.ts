/** What the compiler knows of decisions and routes, and refuses in them. */
import { approval, type Decision, route } from '../../workflows/index.js';

const exactly =
  <Expected>() =>
  <Actual>(
    _value: Actual,
    _same: (<T>() => T extends Actual ? 1 : 2) extends <T>() => T extends Expected ? 1 : 2 ? true : false,
  ): void => {};

interface Ticket {
  text: string;
}
const urgent = (ticket: Ticket): Promise<{ calls: number }> => Promise.resolve({ calls: ticket.text.length });
const analysis = (): Promise<string> => Promise.resolve('a');
const fallback = (): Promise<null> => Promise.resolve(null);
const ticket: Ticket = { text: 'help' };

export async function decisions(): Promise<void> {
  const free = await approval('publish');
  exactly<Decision>()(free, true);
  exactly<unknown>()(free.value, true);
  const chosen = await approval('tone', { choices: ['kind', 'firm'], onExpiry: { approved: true, value: 'kind' } });
  if (chosen.approved) exactly<'kind' | 'firm'>()(chosen.value, true);
  else exactly<'kind' | 'firm' | undefined>()(chosen.value, true);
  // @ts-expect-error no choice of that name
  await approval('tone', { choices: ['kind', 'firm'], onExpiry: { approved: true, value: 'rude' } });
  // @ts-expect-error who approves has chosen
  await approval('tone', { choices: ['kind', 'firm'], onExpiry: { approved: true } });
}

export async function routes(): Promise<void> {
  const classify = ({ text }: Ticket): Promise<{ label: string; confidence: number }> =>
    Promise.resolve({ label: text, confidence: 1 });
  const rules = [{ when: 'true', to: 'urgent' }] as const;
  const routed = await route(ticket, { rules, classify, routes: { urgent, analysis }, fallback });
  exactly<{ calls: number } | string | null>()(routed.output, true);
  exactly<'urgent' | 'analysis' | 'fallback'>()(routed.route, true);
  if (routed.route === 'urgent') exactly<{ calls: number }>()(routed.output, true);
  if (routed.by === 'fallback') exactly<null>()(routed.output, true);
  // @ts-expect-error there is no route of that name
  await route(ticket, { rules: [{ when: 'true', to: 'analysys' }], routes: { urgent, analysis }, fallback });
  // @ts-expect-error it takes another input
  await route({ words: 3 }, { routes: { urgent, analysis }, fallback });
  // @ts-expect-error what is unclear has to go somewhere
  await route(ticket, { routes: { urgent, analysis } });
}
