/** `segno/testing`: what tests of agents and workflows need. */
export { scriptedModel } from './scriptedModel.js';
export type { Script, ScriptPart, ScriptedModel, ScriptedModelOptions } from './scriptedModel.js';
export type { RecordedRequest } from './scriptedRequest.js';
export { error, hang, json, refusal, streamOf, text, toolCalls } from './scriptedSteps.js';
export type { ScriptEntry, ScriptFunction, ScriptStep, ScriptedToolCall, UsageOption } from './scriptedSteps.js';
