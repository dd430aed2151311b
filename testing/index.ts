/** `segno/testing`: what tests of agents and workflows need. */
export { scriptedModel } from './scriptedModel.js';
export type { Script, ScriptPart, ScriptedModel, ScriptedModelOptions } from './scriptedModel.js';
export type { RecordedRequest } from './scriptedRequest.js';
export { error, hang, json, refusal, streamOf, text, toolCalls } from './scriptedSteps.js';
export type { ScriptEntry, ScriptFunction, ScriptStep, ScriptedToolCall, UsageOption } from './scriptedSteps.js';
export { createChaos } from './chaos.js';
export type { TestChaos } from './chaos.js';
export type { Strike } from '../core/chaos/chaos.js';
export type { CallRule } from '../core/chaos/rule.js';
export { startTestStack } from './testStack.js';
export type { TestStack, TestStackOptions } from './testStack.js';
export { startTestServers } from './testServers.js';
export type { TestServers } from './testServers.js';
export type { TestWorker } from './testWorker.js';
export type { WorkerProcess, WorkerProcessOptions } from './workerProcess.js';
export { recordRun } from './recordRun.js';
export { findFixtures, HistoryDriftError, replayAll, replayHistory } from './replayHistory.js';
export type { ReplayCode } from './replayHistory.js';
