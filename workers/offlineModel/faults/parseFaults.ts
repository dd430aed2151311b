import { z } from 'zod';
import { faultKinds, faultSchema } from '../../../core/chaos/fault.js';
import type { Fault } from '../../../core/chaos/fault.js';
import { SegnoError } from '../../../core/errors.js';

export interface WeightedFault {
  readonly fault: Fault;
  /** Probability, from 0 to 1. */
  readonly weight: number;
}

export interface FaultPlan {
  /** Their weights sum to 1 at most; what is missing to 1 is no fault. */
  readonly faults: readonly WeightedFault[];
  readonly seed: number | undefined;
  /** No more than so many faults, then the server behaves. */
  readonly limit: number;
}

const settingsSchema = z.object({
  seed: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().min(0).optional(),
  retryAfterSeconds: z.coerce.number().optional(),
  delayMs: z.coerce.number().optional(),
});
const settingNames = Object.keys(settingsSchema.shape);
const rounding = 1e-9;

/**
 * Reads a fault plan from either of its two forms:
 * - weighted kinds and settings: `429:0.1,cut:0.05,seed=7,limit=20,retryAfterSeconds=2,delayMs=50`; a kind without a weight
 *   always happens
 * - one exact fault as JSON: `{"kind":"429","retryAfterSeconds":1}`
 *
 * @throws SegnoError `Config.Invalid`; the message says which part, and what is allowed there
 */
export function parseFaults(spec: string): FaultPlan {
  const trimmed = spec.trim();
  if (trimmed === '') return { faults: [], seed: undefined, limit: Infinity };
  return trimmed.startsWith('{') ? parseExact(trimmed) : parseWeighted(trimmed);
}

function parseExact(spec: string): FaultPlan {
  let json: unknown;
  try {
    json = JSON.parse(spec);
  } catch (cause) {
    throw invalid(spec, 'it starts as JSON and is none', cause);
  }
  return { faults: [{ fault: checkFault(json, spec), weight: 1 }], seed: undefined, limit: Infinity };
}

function parseWeighted(spec: string): FaultPlan {
  const parts = spec.split(',').map((part) => part.trim());
  const settings = parseSettings(
    parts.filter((part) => part.includes('=')),
    spec,
  );
  const faults = parts.filter((part) => !part.includes('=')).map((part) => parseKind(part, settings, spec));
  const sum = faults.reduce((total, { weight }) => total + weight, 0);
  if (sum > 1 + rounding) throw invalid(spec, `the weights sum to ${sum}, which is more than 1`);
  return { faults, seed: settings.seed, limit: settings.limit ?? Infinity };
}

function parseSettings(parts: readonly string[], spec: string): z.infer<typeof settingsSchema> {
  const entries = parts.map((part) => part.split('=', 2).map((half) => half.trim()) as [string, string]);
  const unknown = entries.find(([name]) => !settingNames.includes(name));
  if (unknown) throw invalid(spec, `there is no setting '${unknown[0]}'; the settings are ${settingNames.join(', ')}`);
  const empty = entries.find(([, value]) => value === '');
  if (empty) throw invalid(spec, `'${empty[0]}' has no value`);
  const parsed = settingsSchema.safeParse(Object.fromEntries(entries));
  if (!parsed.success) throw invalid(spec, z.prettifyError(parsed.error));
  return parsed.data;
}

function parseKind(part: string, settings: z.infer<typeof settingsSchema>, spec: string): WeightedFault {
  const [kind = '', weightText = '1', ...rest] = part.split(':').map((half) => half.trim());
  const weight = weightText === '' ? NaN : Number(weightText);
  if (rest.length > 0 || !(weight >= 0 && weight <= 1)) {
    throw invalid(spec, `'${part}' is not kind:weight with a weight from 0 to 1`);
  }
  const { retryAfterSeconds, delayMs } = settings;
  const exact: Record<string, unknown> = { kind };
  if (kind === '429' && retryAfterSeconds !== undefined) exact['retryAfterSeconds'] = retryAfterSeconds;
  if (kind === '503' && retryAfterSeconds !== undefined) exact['retryAfterSeconds'] = retryAfterSeconds;
  if (kind === 'slow' && delayMs !== undefined) exact['delayMs'] = delayMs;
  return { fault: checkFault(exact, spec), weight };
}

function checkFault(value: unknown, spec: string): Fault {
  const parsed = faultSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  if (!faultKinds.some((known) => known === kind)) {
    throw invalid(spec, `there is no fault '${String(kind)}'; the kinds are ${faultKinds.join(', ')}`);
  }
  throw invalid(spec, z.prettifyError(parsed.error));
}

function invalid(spec: string, reason: string, cause?: unknown): SegnoError {
  return new SegnoError('Config.Invalid', `The fault spec '${spec}' is not valid: ${reason}.`, { cause });
}
