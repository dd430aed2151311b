/**
 * The offline model as a server: an {@link Answer} behind the wire, and the faults it shows on demand.
 *
 * Invariant: with the same seed and the same order of requests, the same requests meet the same faults.
 */
import type { Chaos } from '../../core/chaos/chaos.js';
import type { Fault } from '../../core/chaos/fault.js';
import { offlineModelNames } from '../../core/config.js';
import { SegnoError } from '../../core/errors.js';
import { applyFault } from './faults/applyFault.js';
import { drawFault } from './faults/drawFault.js';
import { parseFaults } from './faults/parseFaults.js';
import type { FaultPlan } from './faults/parseFaults.js';
import type { Answer } from './types.js';
import type { Brain, MessageReply, WireCall, WireReply } from './wire/reply.js';
import { serveWire } from './wire/serveWire.js';
import type { WireStats } from './wire/stats.js';
import { wireError } from './wire/wireError.js';
import type { WireOptions } from './wire/wireOptions.js';

export const faultHeader = 'x-segno-fault';

export interface OfflineModelOptions extends Omit<WireOptions, 'models'> {
  /** Of the draw of faults, and of requests that name none. Default 0. */
  seed?: number;
  /** A fault spec, see docs/offline-model.md: `429:0.1,cut:0.05,seed=7`. A request's `x-segno-fault` goes before it. */
  faults?: string;
  /** Failure injection by rules that may change: before `faults`, behind a request's header. */
  chaos?: Chaos;
}

export interface OfflineModel {
  /** What a client takes as its `baseURL`: it ends in `/v1`. */
  readonly url: string;
  readonly port: number;
  stats(): WireStats;
  close(): Promise<void>;
}

/** @throws SegnoError `Config.Invalid` for a bad fault spec or an address that cannot be listened on */
export async function serveModel(answer: Answer, options: OfflineModelOptions = {}): Promise<OfflineModel> {
  const { seed = 0, faults = '', chaos, ...wire } = options;
  const brain = createBrain(answer, parseFaults(faults), seed, chaos);
  const server = await serveWire(brain, { ...wire, models: offlineModelNames });
  return { url: server.url, port: server.port, stats: () => server.stats.read(), close: () => server.close() };
}

function createBrain(answer: Answer, plan: FaultPlan, seed: number, chaos: Chaos | undefined): Brain {
  let faultsLeft = plan.limit;

  function chooseFault(call: WireCall): Fault | undefined {
    const spec = call.headers[faultHeader];
    if (spec !== undefined) return drawFault(parseFaults(spec), seed, call.ordinal);
    const injected = chaos?.atProvider(call.model, Date.now());
    if (injected) return injected;
    const fault = faultsLeft > 0 ? drawFault(plan, seed, call.ordinal) : undefined;
    if (fault) faultsLeft -= 1;
    return fault;
  }

  return (call) => {
    let fault: Fault | undefined;
    try {
      fault = chooseFault(call);
    } catch (error) {
      if (!(error instanceof SegnoError)) throw error;
      return { kind: 'error', error: wireError(400, error.message, { param: faultHeader, code: 'invalid_fault' }) };
    }
    const reply: MessageReply = { kind: 'message', utterance: answer({ seed, ...call.request }) };
    return fault ? applyFault(reply, fault, call.request) : (reply satisfies WireReply);
  };
}
