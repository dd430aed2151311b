import { answer } from './answer/index.js';
import { serveModel } from './serveModel.js';
import type { OfflineModel, OfflineModelOptions } from './serveModel.js';

/**
 * Starts the offline model: it speaks OpenAI's wire and is no language model, but rules over the given text.
 *
 * @throws SegnoError `Config.Invalid` for a bad fault spec or an address that cannot be listened on
 */
export function startOfflineModel(options: OfflineModelOptions = {}): Promise<OfflineModel> {
  return serveModel(answer, options);
}
