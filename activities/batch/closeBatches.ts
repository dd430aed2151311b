import {
  addTotals,
  type BatchTotals,
  type CloseBatchesRequest,
  type ItemEnd,
  notBegun,
  noTotals,
  totalsOf,
} from '../../core/batches.js';
import type { CallModelResult, RunToolResult } from '../../core/contracts.js';
import { stepKey } from '../../core/contracts.js';
import { type BatchRow, type Ledger, parseFailure, readSteps, resultOf, type StoredStep } from '../../ledger/index.js';
import { withHeartbeat } from '../heartbeat.js';
import { allBatches, finishWith, mapOf, type StoredMap } from './batchStore.js';

interface Known {
  end: ItemEnd | undefined;
  usage: CallModelResult['usage'];
  repetitions: number;
}

const nothing: Known = { end: undefined, usage: [0, 0, '0'], repetitions: 0 };

/**
 * The end of a map at its deadline. What stands in the ledger as done counts, whoever did it and however its batch ended; of an
 * effect that was begun and may happen only once nobody says that it did not happen.
 */
export function createCloseBatches({ ledger }: { ledger: Ledger }) {
  return (request: CloseBatchesRequest): Promise<BatchTotals> => withHeartbeat(() => closeBatches(request));

  async function closeBatches({ step, ...request }: CloseBatchesRequest): Promise<BatchTotals> {
    const map = mapOf(request);
    const know = 'tool' in step ? knownOfTools : 'agent' in step ? knownOfAgents : () => Promise.resolve([]);
    let all = noTotals;
    for await (const row of allBatches(ledger, map)) all = addTotals(all, row.totals ?? (await close(map, row, know)));
    return all;
  }

  async function close(
    map: StoredMap,
    row: BatchRow,
    know: (map: StoredMap, paths: readonly string[]) => Promise<readonly Known[]>,
  ): Promise<BatchTotals> {
    const paths = Array.from({ length: row.items }, (_, index) => `${map.path}/item#${row.first + index}`);
    const known = await know(map, paths);
    const ends = paths.map((_, index): ItemEnd => known[index]?.end ?? notBegun);
    const sum = known.reduce<BatchTotals>((total, { usage, repetitions }) => {
      return addTotals(total, { ...noTotals, usage, repetitions });
    }, noTotals);
    return finishWith(ledger, map, row.batch, ends, totalsOf(ends, row.first, sum));
  }

  async function knownOfTools({ runId }: StoredMap, paths: readonly string[]): Promise<Known[]> {
    const stored = await readSteps(
      ledger,
      paths.map((path) => stepKey(runId, path)),
    );
    return Promise.all(
      paths.map(async (path): Promise<Known> => {
        const found = stored.get(stepKey(runId, path));
        if (!found) return nothing;
        const repetitions = Math.max(0, found.attempts - 1);
        if (found.state !== 'done') return { ...nothing, repetitions, end: endWithoutOutput(path, found) };
        const { value, blocked } = (await resultOf(ledger, found)).result as RunToolResult;
        const withheld = blocked !== undefined && { type: 'Guardrail.Blocked', message: blocked, step: path };
        return { ...nothing, repetitions, end: withheld || [value ?? null] };
      }),
    );
  }

  /** An agent's answer stands in the last of its turns. */
  async function knownOfAgents({ runId }: StoredMap, paths: readonly string[]): Promise<Known[]> {
    const known: Known[] = paths.map(() => nothing);
    let open = paths.map((_, index) => index);
    for (let turn = 1; open.length > 0; turn += 1) {
      const keyOf = (index: number): string => stepKey(runId, `${paths[index]!}/turn#${turn}`);
      const stored = await readSteps(ledger, open.map(keyOf));
      const further: number[] = [];
      for (const index of open) {
        const found = stored.get(keyOf(index));
        if (!found) continue;
        const before = known[index]!;
        const repetitions = before.repetitions + Math.max(0, found.attempts - 1);
        if (found.state !== 'done') {
          known[index] = { ...before, repetitions, end: endWithoutOutput(paths[index]!, found) };
          continue;
        }
        const { output, usage } = (await resultOf(ledger, found)).result as CallModelResult;
        const sum = addTotals({ ...noTotals, usage: before.usage }, { ...noTotals, usage });
        const end: ItemEnd = output === undefined ? late(paths[index]!) : [output];
        known[index] = { end, usage: sum.usage, repetitions };
        if (output === undefined) further.push(index);
      }
      open = further;
    }
    return known;
  }
}

function endWithoutOutput(step: string, { state, safety, error }: StoredStep): ItemEnd {
  const failure = parseFailure(error);
  if (state === 'unknown' || (state === 'sent' && safety === 'once')) {
    const message = `${step} was under way when the time of its map was over: check whether it took effect`;
    return { type: 'Tool.OutcomeUnknown', message: failure?.message ?? message, step };
  }
  if (state === 'failed' && failure?.retryable === false) return { type: failure.type, message: failure.message, step };
  return late(step);
}

function late(step: string): ItemEnd {
  return { type: 'Step.DeadlineExceeded', message: `${step} did not finish in time`, step };
}
