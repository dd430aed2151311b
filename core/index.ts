export { defineAgent, type AgentDefinition, type AgentOptions } from './defineAgent.js';
export { defineTool } from './defineTool.js';
export {
  type Reconciled,
  type ToolDefinition,
  type ToolOptions,
  type ToolContext,
  type DocumentStore,
} from './tool.js';
export type { GuardrailFinding, GuardrailOptions, GuardrailsOptions } from './guardrails.js';
export { defineConfig, type Config } from './config.js';
export { documentRefSchema, type DocumentRef } from './document.js';
export { SegnoError, errorKinds, type ErrorType, type ErrorKind, type SegnoErrorOptions } from './errors.js';
export { planDraftSchema, planRequestSchema, type PlanDraft, type PlanRequest } from './plan/planDraft.js';
export {
  debateReplySchema,
  debateTurnSchema,
  handoffReplySchema,
  handoffTurnSchema,
  meshReplySchema,
  meshTurnSchema,
  type DebateReply,
  type DebateTurn,
  type HandoffReply,
  type HandoffTurn,
  type MeshReply,
  type MeshTurn,
} from './peers.js';
export { postReplySchema, postTurnSchema, type PostTurn } from './mandate.js';
