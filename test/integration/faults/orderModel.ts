import {
  json,
  type RecordedRequest,
  scriptedModel,
  type ScriptedModel,
  type TestChaos,
  toolCalls,
} from '../../../testing/index.js';

/** Answers the agents of the project, whatever is asked and however often; what goes wrong is up to `chaos`. */
export function orderModel(chaos?: TestChaos): Promise<ScriptedModel> {
  return scriptedModel(
    ({ agent, messages }: RecordedRequest) => {
      if (agent === 'clerk') return json({ answer: 'an item' });
      if (messages.some(({ role }) => role === 'tool')) return json({ place: 'on the shelf' });
      return toolCalls([{ name: 'lookUp', arguments: { item: 'kettle' } }]);
    },
    chaos ? { chaos } : {},
  );
}
