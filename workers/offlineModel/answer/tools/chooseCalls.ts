/**
 * Whether to call tools before answering, and with which arguments.
 *
 * Invariants:
 * 1. A tool that was called in this conversation is not called again, unless the request demands a call of it by name
 *    or demands any call and no other tool is left.
 * 2. `auto` calls a tool only when instructions or prompt name it or speak of what it does, and the text gives its
 *    required arguments.
 */
import type { ModelRequest, OfferedTool, ToolCallAnswer } from '../../types.js';
import { createSource, type Scope } from '../fill/scope.js';
import { fillSchema } from '../fill/fillValue.js';
import type { Material } from '../readRequest.js';
import { contentWords, splitName } from '../schema/fieldWords.js';
import { propertiesOf, requiredOf, shapeOf, isObject } from '../schema/shape.js';

export function chooseCalls(request: ModelRequest, material: Material): ToolCallAnswer[] {
  const { toolChoice, tools } = request;
  if (toolChoice === 'none' || tools.length === 0) return [];
  if (typeof toolChoice === 'object') {
    const named = tools.find((tool) => tool.name === toolChoice.name);
    return named ? [callOf(named, material)] : [];
  }
  const past = new Set(
    request.messages.flatMap((one) => (one.role === 'assistant' ? one.toolCalls.map((call) => call.name) : [])),
  );
  const open = tools.filter((tool) => !past.has(tool.name));
  const wanted = rankTools(open, material);
  const best = wanted[0];
  if (best && (toolChoice === 'required' || canFill(best.tool, material))) return [callOf(best.tool, material)];
  if (toolChoice === 'auto') {
    const other = wanted.find(({ tool }) => canFill(tool, material));
    return other ? [callOf(other.tool, material)] : [];
  }
  const any = open[0] ?? tools[0];
  return any ? [callOf(any, material)] : [];
}

/** Tools that are asked for, the first named first. */
function rankTools(tools: readonly OfferedTool[], material: Material): { tool: OfferedTool; at: number }[] {
  const told = `${material.instructions}\n${material.prompt}\n${goalText(material)}`;
  const stems = contentWords(told);
  return tools
    .flatMap((tool) => {
      const named = told.indexOf(tool.name);
      if (named >= 0) return [{ tool, at: named }];
      const name = contentWords(splitName(tool.name).join(' '));
      const known = name.filter((word) => stems.includes(word));
      const about = contentWords(tool.description).filter((word) => stems.includes(word));
      const isSuggested = name.length > 0 && known.length === name.length && (name.length > 1 || about.length > 0);
      return isSuggested ? [{ tool, at: told.length + stems.indexOf(known[0] ?? '') }] : [];
    })
    .sort((a, b) => a.at - b.at);
}

function goalText(material: Material): string {
  const goal = ['task', 'prompt', 'request', 'question', 'goal']
    .map((key) => material.input?.[key])
    .filter((one) => typeof one === 'string');
  return goal.join('\n');
}

function canFill(tool: OfferedTool, material: Material): boolean {
  const shape = shapeOf(tool.parameters, tool.parameters);
  const required = requiredOf(shape);
  const call = callOf(tool, material).arguments;
  if (!isObject(call)) return false;
  return propertiesOf(shape).every(([name]) => !required.has(name) || (call[name] !== '' && call[name] !== undefined));
}

function callOf(tool: OfferedTool, material: Material): ToolCallAnswer {
  const source = createSource(material, tool.parameters);
  const scope: Scope = { source, path: [], item: null, depth: 0 };
  const filled = fillSchema(tool.parameters, scope);
  return { name: tool.name, arguments: isObject(filled) ? withQuery(tool, filled, material) : {} };
}

/** A search's `query` is what is asked for, not a sentence of the text. */
function withQuery(tool: OfferedTool, filled: { [key: string]: unknown }, material: Material): Record<string, unknown> {
  const shape = shapeOf(tool.parameters, tool.parameters);
  const entries = propertiesOf(shape).flatMap(([name, part]): [string, unknown][] => {
    const child = shapeOf(part, tool.parameters);
    if (
      child.kind !== 'string' ||
      child.values ||
      !/^(?:query|question|q|search|searchQuery|keywords|topic)$/i.test(name)
    )
      return [];
    const asked = goalText(material) || material.prompt.trim() || material.text.trim().split('\n')[0] || '';
    return asked === '' ? [] : [[name, asked.slice(0, 300)]];
  });
  return { ...filled, ...Object.fromEntries(entries) };
}
