import { describe, expect, it } from 'vitest';
import { readChatRequest } from '../../workers/offlineModel/wire/readChatRequest.js';
import { isWireError } from '../../workers/offlineModel/wire/wireError.js';

const user = { role: 'user', content: 'Hello' };
const call = (id: string, name = 'look') => ({ id, type: 'function', function: { name, arguments: '{"a":1}' } });
const look = { type: 'function', function: { name: 'look', parameters: { type: 'object' } } };
const find = { type: 'function', function: { name: 'find', description: 'Finds.' } };

function read(body: object) {
  const result = readChatRequest(JSON.stringify({ model: 'offline', messages: [user], ...body }));
  if (isWireError(result)) throw new Error(JSON.stringify(result.body));
  return result;
}

function refuse(body: object | string): { status: number; error: Record<string, unknown> } {
  const text = typeof body === 'string' ? body : JSON.stringify({ model: 'offline', messages: [user], ...body });
  const result = readChatRequest(text);
  if (!isWireError(result)) throw new Error('it was accepted');
  return { status: result.status, error: (result.body as { error: Record<string, unknown> }).error };
}

describe('a request that is fine', () => {
  it('has its content parts joined, developer as system, and past calls parsed', () => {
    const { request } = read({
      messages: [
        {
          role: 'developer',
          content: [
            { type: 'text', text: 'Be ' },
            { type: 'text', text: 'brief.' },
          ],
        },
        user,
        { role: 'assistant', content: null, tool_calls: [call('c1'), call('c2')] },
        { role: 'tool', tool_call_id: 'c2', content: 'two' },
        { role: 'tool', tool_call_id: 'c1', content: 'one' },
      ],
    });
    expect(request.messages).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Hello' },
      {
        role: 'assistant',
        content: '',
        toolCalls: [
          { id: 'c1', name: 'look', arguments: { a: 1 } },
          { id: 'c2', name: 'look', arguments: { a: 1 } },
        ],
      },
      { role: 'tool', toolCallId: 'c2', content: 'two' },
      { role: 'tool', toolCallId: 'c1', content: 'one' },
    ]);
  });

  it('keeps arguments of past calls that are no JSON as the string they are', () => {
    const broken = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{"a":' } };
    const { request } = read({
      messages: [user, { role: 'assistant', tool_calls: [broken] }, { role: 'tool', tool_call_id: 'c1', content: '' }],
    });
    expect(request.messages[1]).toMatchObject({ toolCalls: [{ arguments: '{"a":' }] });
  });

  it.each([
    [undefined, 'auto'],
    ['none', 'none'],
    ['required', 'required'],
    [{ type: 'function', function: { name: 'find' } }, { name: 'find' }],
  ])('carries tool choice %j as %j', (choice, expected) => {
    const { request } = read({ tools: [look, find], ...(choice === undefined ? {} : { tool_choice: choice }) });
    expect(request.toolChoice).toEqual(expected);
    expect(request.tools.map((tool) => tool.name)).toEqual(['look', 'find']);
  });

  it('offers only the allowed tools', () => {
    const allowed = { mode: 'required', tools: [{ type: 'function', function: { name: 'find' } }] };
    const { request } = read({ tools: [look, find], tool_choice: { type: 'allowed_tools', allowed_tools: allowed } });
    expect(request).toMatchObject({ tools: [{ name: 'find', description: 'Finds.' }], toolChoice: 'required' });
  });

  it('without tools has the choice none', () => {
    expect(read({}).request).toEqual({ messages: [{ role: 'user', content: 'Hello' }], tools: [], toolChoice: 'none' });
  });

  it('carries schema, seed, stop, limit and stream options', () => {
    const schema = { type: 'object', properties: {}, required: [], additionalProperties: false };
    const read1 = read({
      response_format: { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } },
      seed: 7,
      stop: 'END',
      max_completion_tokens: 5,
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.2,
    });
    expect(read1).toMatchObject({ stop: ['END'], maxTokens: 5, stream: true, includeUsage: true });
    expect(read1.request).toMatchObject({ schema, seed: 7 });
    expect(read({ response_format: { type: 'json_object' } }).request.jsonObject).toBe(true);
  });
});

describe('a request that is not', () => {
  it.each<[string, object | string, string | null, RegExp]>([
    ['broken JSON', '{"model":', null, /could not parse/],
    ['no JSON object', '[]', null, /Invalid request body/],
    ['no messages', { messages: undefined }, 'messages', /Missing required parameter: 'messages'/],
    ['no model', { model: undefined }, 'model', /Missing required parameter: 'model'/],
    ['empty messages', { messages: [] }, 'messages', /Invalid value/],
    ['an unknown role', { messages: [{ role: 'function', content: '' }] }, 'messages[0].role', /Invalid/],
    ['no content', { messages: [{ role: 'user' }] }, 'messages[0].content', /content/],
    [
      'an image',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages[0].content[0].type',
      /only text parts/,
    ],
    ['an unknown parameter', { temprature: 1 }, 'temprature', /Unknown parameter: 'temprature'/],
    ['a value out of range', { temperature: 3 }, 'temperature', /Too big/],
    ['two choices', { n: 2 }, 'n', /only one choice/],
    ['both limits', { max_tokens: 1, max_completion_tokens: 1 }, 'max_tokens', /not both/],
    ['stream options without a stream', { stream_options: {} }, 'stream_options', /only allowed/],
    ['a tool choice without tools', { tool_choice: 'auto' }, 'tool_choice', /only allowed when 'tools'/],
    [
      'the choice of a tool that is not offered',
      { tools: [look], tool_choice: { type: 'function', function: { name: 'find' } } },
      'tool_choice',
      /'find' is not in/,
    ],
    ['two tools of one name', { tools: [look, look] }, 'tools', /same name/],
    [
      'a tool name with spaces',
      { tools: [{ type: 'function', function: { name: 'a b' } }] },
      'tools[0].function.name',
      /letters, digits/,
    ],
  ])('%s', (_, body, param, message) => {
    const { status, error } = refuse(body);
    expect(status).toBe(400);
    expect(error).toMatchObject({ param, type: 'invalid_request_error' });
    expect(error['message']).toMatch(message);
  });

  it.each<[string, object[], string]>([
    ['a call nobody answered', [user, { role: 'assistant', tool_calls: [call('c1')] }], 'messages[1]'],
    [
      'a call answered after the next message',
      [user, { role: 'assistant', tool_calls: [call('c1')] }, user, { role: 'tool', tool_call_id: 'c1', content: '' }],
      'messages[2]',
    ],
    [
      'an answer given twice',
      [
        user,
        { role: 'assistant', tool_calls: [call('c1')] },
        { role: 'tool', tool_call_id: 'c1', content: '' },
        { role: 'tool', tool_call_id: 'c1', content: '' },
      ],
      'messages[3].tool_call_id',
    ],
    ['an answer to no call', [user, { role: 'tool', tool_call_id: 'c1', content: '' }], 'messages[1].tool_call_id'],
    [
      'calls that share an id',
      [user, { role: 'assistant', tool_calls: [call('c1'), call('c1')] }],
      'messages[1].tool_calls',
    ],
    ['an assistant that says nothing', [user, { role: 'assistant', content: null }], 'messages[1].content'],
  ])('%s', (_, messages, param) => {
    expect(refuse({ messages })).toMatchObject({ status: 400, error: { param } });
  });

  it.each<[string, unknown, RegExp]>([
    ['is no object', { type: 'array', items: {} }, /'type: "object"'/],
    ['allows other properties', { type: 'object', properties: {}, required: [] }, /'additionalProperties' is required/],
    [
      'leaves a nested property optional',
      {
        type: 'object',
        additionalProperties: false,
        required: ['list'],
        properties: {
          list: {
            type: 'array',
            items: { type: 'object', additionalProperties: false, properties: { a: {} }, required: [] },
          },
        },
      },
      /In context=\('properties', 'list', 'items'\).*Missing 'a'/,
    ],
  ])('a strict schema that %s', (_, schema, message) => {
    const format = { type: 'json_schema', json_schema: { name: 'x', schema, strict: true } };
    const { error } = refuse({ response_format: format });
    expect(error).toMatchObject({ param: 'response_format', code: 'invalid_schema' });
    expect(error['message']).toMatch(message);

    const tool = { type: 'function', function: { name: 'look', parameters: schema, strict: true } };
    expect(refuse({ tools: [look, { ...tool, function: { ...tool.function, name: 'b' } }] }).error).toMatchObject({
      param: 'tools[1].function.parameters',
    });
    expect(
      read({ response_format: { ...format, json_schema: { ...format.json_schema, strict: false } } }),
    ).toBeDefined();
  });
});
