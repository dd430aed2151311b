export { createWorker, type CreateWorkerOptions, type SegnoWorker } from './createWorker.js';
export { bundleWorkflows } from './bundleWorkflows.js';
export { loadProject, type Project } from './loadProject.js';
export { keepAlive, type LivenessOptions } from './liveness.js';
export { startTracing, type Tracing } from './tracing/startTracing.js';
export { Recovery, type RecoveryOptions } from './recovery.js';
export { openLedger, migrateLedger, type Ledger } from '../ledger/index.js';
