import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { celFaults, compileCel, evaluateCel, maxCelLength } from '../../core/cel.js';

const variables = ['input', 'steps'];
const values = {
  input: { n: 3, half: 1.5, text: 'hello', items: [1, 2, 3], orders: [{ kind: 'book', price: 12 }], nothing: null },
  steps: { 'look-up': { score: 8 } },
};

describe('an expression', () => {
  it.each([
    ['input.n > 2', true],
    ['input.n == 3 && input.n + 1 == 4', true],
    ['1 + input.n', 4],
    ['input.n % 2 == 1', true],
    ['input.n / 2', 1.5],
    ['input.items[input.n - 2]', 2],
    ['size(input.items) == input.n', true],
    ['2 in input.items', true],
    ['input.nothing == null', true],
    ['has(input.missing)', false],
    ['input.text.startsWith("he")', true],
    ['steps["look-up"].score >= 8', true],
    ['input.orders.exists(o, o.kind == "book" && o.price > 10)', true],
    ['input.orders.filter(o, o.price > 100)', []],
    ['input.n > 2 ? "many" : "few"', 'many'],
    ['{"total": size(input.items)}', { total: 3 }],
  ])('%s gives %j', (expression, expected) => {
    expect(celFaults(expression, { variables })).toEqual([]);
    expect(evaluateCel(expression, values)).toEqual({ value: expected });
  });

  it.each([
    ['input.missing', 'No such key: missing'],
    ['input.constructor', 'No such key: constructor'],
    ['input.__proto__', 'No such key: __proto__'],
    ['input["__proto__"]', 'No such key: __proto__'],
    ['input.text + 1', 'no such overload'],
    ['9223372036854775807 - 1', 'too large a number'],
    ['1.0 / (input.n - 3)', 'no number JSON can hold'],
    ['input.text && true', 'requires bool'],
  ])('%s says what is wrong with the values', (expression, fault) => {
    expect(evaluateCel(expression, values)).toEqual({ fault: expect.stringContaining(fault) as string });
  });

  it.each([
    ['', 'Unexpected token'],
    ['input.', 'Expected IDENTIFIER'],
    ['process.env', 'process is no variable; there are: input, steps'],
    ['[1].exists(x, y > x)', 'y is no variable; there are: input, steps, x'],
    ['input.text.matches("(a+)+$")', 'matches() is not supported'],
    ['input.text.split("").join(input.text)', 'join() is not supported'],
    ['cel.bind(x, 1, x)', 'bind() is not supported'],
    ['[1].map(x, x)', 'map() is not supported'],
    ['timestamp("2020-01-01T00:00:00Z")', 'timestamp() is not supported'],
    ['[1].exists(input, input > 0)', 'hides the variable input'],
    ['[1].all(a, [1].all(b, [1].all(c, true)))', 'nested over 2 deep'],
    ['b"abc"', 'bytes and unsigned literals'],
    ['1 + "a"', 'no such overload: int + string'],
    ['1 == 2 || "a"', 'requires bool'],
  ])('%s is refused before it is evaluated', (expression, fault) => {
    expect(celFaults(expression, { variables }).join('\n')).toContain(fault);
  });

  it('is refused when it cannot give what is needed', () => {
    expect(celFaults('1 + 1', { variables, result: 'bool' })).toEqual(['it gives int, and bool is needed']);
    expect(celFaults('input.n', { variables, result: 'bool' })).toEqual([]);
    const compiled = compileCel('input.n', { variables, result: 'bool' });
    expect('faults' in compiled ? compiled : compiled.evaluate(values)).toEqual({
      fault: 'it gave number, and bool is needed',
    });
  });

  it('tells which values it reads', () => {
    const compiled = compileCel(
      'steps.draft.score > 7 && input.items.exists(i, i == steps["look-up"].n) || has(steps.review)',
      { variables },
    );
    expect('faults' in compiled ? compiled.faults : compiled.references).toEqual([
      ['steps', 'draft', 'score'],
      ['input', 'items'],
      ['steps', 'look-up', 'n'],
      ['steps', 'review'],
    ]);
  });

  it('reads a whole variable where the key is computed', () => {
    const compiled = compileCel('steps[input.text].score', { variables });
    expect('faults' in compiled ? compiled.faults : compiled.references).toEqual([['steps'], ['input', 'text']]);
  });
});

describe('a hostile expression', () => {
  it.each([
    ['very long', `input.text == "${'x'.repeat(maxCelLength)}"`, 'characters'],
    ['deeply nested', `${'!'.repeat(900)}true`, 'Exceeded max'],
    ['deep in brackets', `${'['.repeat(400)}${']'.repeat(400)}`, 'Exceeded max'],
    ['of many nodes', `0${'+1'.repeat(400)}`, 'Exceeded maxAstNodes'],
  ])('%s is refused', (_, expression, fault) => {
    expect(celFaults(expression, { variables }).join('\n')).toContain(fault);
  });

  it('is not evaluated when its loops would take too long for the lists it meets', () => {
    const items = Array.from({ length: 10_000 }, (_, index) => index);
    const crossed = 'input.items.all(a, input.items.exists(b, a == b))';
    expect(evaluateCel(crossed, { input: { items } })).toEqual({
      fault: 'evaluating it would be too much work for values this large',
    });
    expect(evaluateCel(crossed, { input: { items: items.slice(0, 100) } })).toEqual({ value: true });
    expect(evaluateCel('input.items.exists(a, a == 9999)', { input: { items } })).toEqual({ value: true });
  });

  it('is not evaluated when it searches a long text for every element', () => {
    const input = { items: Array.from({ length: 5_000 }, String), text: 'x'.repeat(1_000_000) };
    expect(evaluateCel('input.items.exists(i, input.text.contains(i))', { input })).toHaveProperty('fault');
  });

  it('is not evaluated when it compares large values again and again, or many times over', () => {
    const list = Array.from({ length: 100_000 }, (_, index) => index);
    const values = { input: { a: list, b: [...list] } };
    const literal = (name: string): string => `[${Array.from({ length: 40 }, () => name).join(',')}]`;
    for (const expression of [
      `${literal('input.a')} == ${literal('input.b')}`,
      Array.from({ length: 40 }, () => 'input.a == input.b').join('&&'),
    ]) {
      expect(evaluateCel(expression, values)).toHaveProperty('fault');
      expect(evaluateCel(expression, { input: { a: [1], b: [1] } })).toEqual({ value: true });
    }
    expect(evaluateCel('input.a == input.b', values)).toEqual({ value: true });
  });

  it('changes no prototype', () => {
    const outcome = evaluateCel('{"__proto__": {"polluted": true}, "constructor": 1}', { input: {} });
    expect(outcome).toEqual({ value: {} });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it('never throws, whatever it is made of', () => {
    const token = fc.constantFrom(
      ...['input', 'steps', '.', 'n', 'items', '(', ')', '[', ']', '{', '}', ',', ':', '?', '+', '-', '*', '/', '%'],
      ...[
        '&&',
        '||',
        '!',
        '==',
        '<',
        'in',
        '1',
        '2.5',
        '"a"',
        'true',
        'null',
        'has',
        'size',
        '.exists(x, ',
        '.all(y, ',
      ],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 30 }), fc.jsonValue(), (tokens, json) => {
        const expression = tokens.join(' ');
        const faults = celFaults(expression, { variables });
        const outcome = evaluateCel(expression, { input: json, steps: {} });
        if (faults.length > 0) expect(outcome).toHaveProperty('fault');
        else if ('value' in outcome) expect(JSON.parse(JSON.stringify(outcome.value))).toEqual(outcome.value);
      }),
      { numRuns: 2_000 },
    );
  });
});
