import { describe, expect, it } from 'vitest';
import { decideByMatch, type DecisionCase } from '../../../core/decide/decisionCases.js';
import { decideByTree, type DecisionTree } from '../../../core/decide/decisionTree.js';

/** Quinlan, Induction of Decision Trees, Machine Learning 1 (1986), table 1 and figure 2. */
const saturdayMornings = `
  sunny hot high false N, sunny hot high true N, overcast hot high false P, rain mild high false P, rain cool normal false P,
  rain cool normal true N, overcast cool normal true P, sunny mild high false N, sunny cool normal false P, rain mild normal false P,
  sunny mild normal true P, overcast mild high true P, overcast hot normal false P, rain mild high true N`
  .split(',')
  .map((line) => {
    const [outlook, temperature, humidity, windy, decision] = line.trim().split(/\s+/);
    return { input: { outlook, temperature, humidity, windy: windy === 'true' }, decision };
  });
const leaf = (decide: string) => ({ decide });
const saturdayTree: DecisionTree<string> = {
  when: 'input.outlook == "overcast"',
  yes: leaf('P'),
  no: {
    when: 'input.outlook == "sunny"',
    yes: { when: 'input.humidity == "high"', yes: leaf('N'), no: leaf('P') },
    no: { when: 'input.windy', yes: leaf('N'), no: leaf('P') },
  },
};

describe('a decision tree', () => {
  it('classifies all fourteen Saturday mornings of Quinlan (1986) as its figure 2 does', () => {
    expect(saturdayMornings).toHaveLength(14);
    for (const { input, decision } of saturdayMornings)
      expect(decideByTree(saturdayTree, { input })).toMatchObject({ decision });
  });

  it('says which way it went', () => {
    expect(decideByTree(saturdayTree, { input: { outlook: 'rain', windy: true } })).toEqual({
      decision: 'N',
      explanation: {
        method: 'tree',
        text: 'N: input.outlook == "overcast": no; input.outlook == "sunny": no; input.windy: yes',
        answers: [
          { when: 'input.outlook == "overcast"', answer: false },
          { when: 'input.outlook == "sunny"', answer: false },
          { when: 'input.windy', answer: true },
        ],
      },
    });
  });

  it('guesses nothing where a question cannot be answered', () => {
    expect(decideByTree(saturdayTree, { input: { outlook: 'rain' } })).toEqual({
      impossible: expect.stringMatching(/^input\.windy: /),
    });
  });

  it('is refused with the places of broken questions, and when it is too deep', () => {
    const broken: DecisionTree = { when: 'true', yes: { when: 'x', yes: leaf('a'), no: leaf('b') }, no: leaf('c') };
    expect(decideByTree(broken, { input: 1 })).toEqual({ invalid: [expect.stringMatching(/^tree\.yes: x is no var/)] });
    let deep: DecisionTree = leaf('a');
    for (let depth = 0; depth < 51; depth += 1) deep = { when: 'true', yes: deep, no: leaf('b') };
    expect(decideByTree(deep, { input: 1 })).toEqual({ invalid: [expect.stringContaining('over 50 questions deep')] });
  });
});

/** The commands and the actions from a server of PEP 636, https://peps.python.org/pep-0636/ */
const commands: DecisionCase<string>[] = [
  { match: ['quit'], decide: 'quit' },
  { match: { $oneOf: [['look'], ['l']] }, decide: 'look' },
  { match: ['get', { $bind: 'obj' }], decide: 'get' },
  { match: ['pick', 'up', { $bind: 'obj' }], decide: 'get' },
  {
    match: ['go', { $bind: 'direction', $oneOf: ['north', 'south', 'east', 'west'] }],
    where: 'bound.direction in ["north", "east"]',
    decide: 'go',
  },
  { match: ['go', { $is: 'any' }], decide: 'no way there' },
  { match: ['drop', { $rest: 'objects' }], decide: 'drop' },
];
const actions: DecisionCase<string>[] = [
  {
    match: { text: { $bind: 'message', $is: 'string' }, color: { $bind: 'c', $is: 'string' } },
    decide: 'color, display',
  },
  { match: { text: { $bind: 'message' } }, decide: 'display' },
  { match: { sleep: { $bind: 'duration' } }, decide: 'wait' },
  { match: { sound: { $bind: 'url' }, format: 'ogg' }, decide: 'play' },
  { match: { sound: { $is: 'any' }, format: { $is: 'any' } }, decide: 'warn' },
];

describe('cases by structure', () => {
  const decide = (cases: DecisionCase<string>[], input: unknown): unknown => {
    const outcome = decideByMatch(cases, input);
    if (!('decision' in outcome)) return outcome;
    return [outcome.decision, outcome.explanation.bound];
  };

  it('takes the commands of PEP 636 as its tutorial does', () => {
    const take = (text: string): unknown => decide(commands, text.split(' '));
    expect(take('quit')).toEqual(['quit', {}]);
    expect(take('l')).toEqual(['look', {}]);
    expect(take('get lamp')).toEqual(['get', { obj: 'lamp' }]);
    expect(take('pick up lamp')).toEqual(['get', { obj: 'lamp' }]);
    expect(take('go north')).toEqual(['go', { direction: 'north' }]);
    expect(take('go south')).toEqual(['no way there', {}]);
    expect(take('go sideways')).toEqual(['no way there', {}]);
    expect(take('drop key sword cheese')).toEqual(['drop', { objects: ['key', 'sword', 'cheese'] }]);
    expect(take('drop')).toEqual(['drop', { objects: [] }]);
    expect(take('get')).toEqual([null, {}]);
  });

  it('takes the mappings of PEP 636, whose other keys do not count', () => {
    expect(decide(actions, { text: 'Camembert', color: 'blue' })).toEqual([
      'color, display',
      { message: 'Camembert', c: 'blue' },
    ]);
    expect(decide(actions, { text: 'Hello', speed: 3 })).toEqual(['display', { message: 'Hello' }]);
    expect(decide(actions, { sleep: 3 })).toEqual(['wait', { duration: 3 }]);
    expect(decide(actions, { sound: 'a', format: 'ogg' })).toEqual(['play', { url: 'a' }]);
    expect(decide(actions, { sound: 'a', format: 'mp3' })).toEqual(['warn', {}]);
  });

  it('reads own fields only, and tells null, lists and objects apart', () => {
    expect(decide([{ match: { toString: { $is: 'any' } }, decide: 'yes' }], {})).toEqual([null, {}]);
    expect(decide([{ match: null, decide: 'null' }], {})).toEqual([null, {}]);
    expect(decide([{ match: {}, decide: 'object' }], [])).toEqual([null, {}]);
    expect(decide([{ match: { $is: 'list' }, decide: 'list' }], [])).toEqual(['list', {}]);
    expect(decide([{ match: { $is: 'object' }, decide: 'object' }], null)).toEqual([null, {}]);
  });

  it('is refused with all that is wrong with its patterns', () => {
    const match = [
      { $bind: 'a' },
      { $bind: 'a' },
      { $bind: '1' },
      { $is: 'text' },
      { $oneOf: [{ $bind: 'b' }] },
      { $rest: 'c' },
      { $any: true },
    ];
    expect(decide([{ match, where: 'boun.a', decide: 'x' }], [])).toEqual({
      invalid: [
        'cases[0].match[1]: a is named twice',
        'cases[0].match[2]: "1" is no name of letters, digits and _',
        'cases[0].match[3].$is: text is none of string, number, boolean, list, object, any',
        'cases[0].match[4].$oneOf[0]: nothing in $oneOf may name what it matches; $bind stands beside it',
        'cases[0].match[5].$rest: stands alone, as the last of a list',
        'cases[0].match[6].$any: stands beside $bind, $is, $oneOf or $rest, or is none of them',
        expect.stringMatching(/^cases\[0\]\.where: boun is no variable/),
      ],
    });
  });
});
