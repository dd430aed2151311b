export { proxyAgents, type AgentsOf, type AgentCallOptions } from './agent/proxyAgents.js';
export { proxyTools, type ToolsOf, type ToolCallOptions } from './agent/proxyTools.js';
export { parallel } from './patterns/parallel.js';
export { refine, type RefineOptions, type Refined, type Review } from './patterns/refine.js';
export { fail, isFailure } from './failure.js';
