import { votingFaults } from '../decide/countVotes.js';
import { criteriaFaults } from '../decide/criteria.js';
import { tableFaults } from '../decide/decisionTable.js';
import { malformed } from './outputSchemas.js';
import type { PlacedAction } from './planGraph.js';
import { criteriaOf } from './planDecide.js';
import { formatPath } from './references.js';

/** What is wrong with a decision itself, without its conditions and the actions in it. */
export function decideFaults({ action: { decide }, at }: PlacedAction): string[] {
  if (!decide) return [];
  const { table, ensemble } = decide;
  const measured = criteriaOf(decide);
  const placed = (part: string, faults: readonly string[]): string[] =>
    faults.map((fault) => `${formatPath([...at, 'decide', part])}: ${fault}`);
  return [
    ...(table ? placed('table', tableFaults(table)) : []),
    ...(measured
      ? [
          ...placed(measured.method, criteriaFaults(measured.options.criteria)),
          ...malformed(measured.options.alternatives, [...at, 'decide', measured.method, 'alternatives']),
        ]
      : []),
    ...(ensemble
      ? placed('ensemble', [
          ...votingFaults(ensemble, Object.keys(ensemble.voters)),
          ...((ensemble.quorum ?? 1) <= Object.keys(ensemble.voters).length
            ? []
            : [`quorum: there are only ${Object.keys(ensemble.voters).length} voters`]),
        ])
      : []),
  ];
}
