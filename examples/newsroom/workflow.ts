import { fail, handoff, mesh, proxyAgents } from 'segno/workflow';

const { cityDesk, businessDesk, scienceDesk, newsReporter, figureChecker, newsEditor } = proxyAgents<
  typeof import('./agents.js')
>({ timeout: '5m' });

export interface NewsroomInput {
  /** What came in: notes, a press release, figures. */
  material: string;
}

export interface Story {
  /** Whose story it is; null when no desk took it. */
  desk: string | null;
  angle: string;
  headline: string;
  article: string;
  /** Whether the editor released it, with nothing in dispute. */
  released: boolean;
  /** What keeps it back. */
  open: string[];
  /** Messages the three wrote to each other. */
  messages: number;
}

/** Desks hand material on until one keeps it; then a reporter, a fact checker and an editor write to each other until all are done. */
export async function newsroom({ material }: NewsroomInput): Promise<Story> {
  if (!material) throw fail('Run.InvalidInput', 'there is no material: --input input/bridge.json');
  const assigned = await handoff({
    task: material,
    peers: {
      city: { description: 'streets, schools, transport, council', turn: cityDesk },
      business: { description: 'companies, money, jobs', turn: businessDesk },
      science: { description: 'research, technology, health, climate', turn: scienceDesk },
    },
    start: 'city',
    maxTurns: 6,
    onFailure: 'continue',
    timeout: '10m',
  });
  const angle = assigned.answer?.angle ?? '';
  const brief = assigned.said.at(-1)?.text ?? '';

  const { stopped, waiting, replies, messages, failed } = await mesh({
    goal: `An article, every figure of it checked.\nAngle: ${angle}\nFrom the desk: ${brief}\nMaterial:\n${material}`,
    peers: {
      reporter: { description: 'writes the article', turn: newsReporter },
      checker: { description: 'checks it against the material', turn: figureChecker },
      editor: { description: 'decides whether it is printed', turn: newsEditor },
    },
    start: ['reporter', 'editor'],
    maxRounds: 10,
    onFailure: 'continue',
    timeout: '30m',
  });

  const { reporter, checker, editor } = replies;
  const open = [
    ...(stopped === 'consensus' ? [] : [`it ended by ${stopped}${waiting ? ` of ${waiting.join(' and ')}` : ''}`]),
    ...Object.entries(failed ?? {}).map(([name, { message }]) => `${name} failed: ${message}`),
    ...(checker ? checker.disputed : ['nobody has checked it']),
    ...(editor?.release ? [] : ['the editor has not released it']),
  ];
  return {
    desk: assigned.by ?? null,
    angle,
    headline: reporter?.headline ?? '',
    article: reporter?.article ?? '',
    released: open.length === 0,
    open,
    messages: messages.length,
  };
}
