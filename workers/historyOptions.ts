import type { WorkerOptions } from '@temporalio/worker';
import type { Ended } from '../core/ended.js';
import { type BlobStore, ClaimCheckCodec } from '../ledger/index.js';

/**
 * All that decides how a history is read and continued. A worker and a replay take it from here, so that a replay which
 * passes says something about the worker.
 */
export function historyOptions(options: {
  /** From `bundleWorkflows`; the interceptors are in it. */
  workflowBundle: { code: string };
  blobs: BlobStore;
  /** Told of runs and agent calls that have ended; not by a replay. */
  onEnded?: (ended: Ended) => void;
}): Pick<WorkerOptions, 'workflowBundle' | 'dataConverter' | 'sinks'> {
  return {
    workflowBundle: options.workflowBundle,
    dataConverter: { payloadCodecs: [new ClaimCheckCodec(options.blobs)] },
    sinks: { segno: { ended: { fn: (_, ended: Ended) => options.onEnded?.(ended) } } },
  };
}
