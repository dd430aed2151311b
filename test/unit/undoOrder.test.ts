import { describe, expect, it } from 'vitest';
import { undoOrder } from '../../core/undoOrder.js';

const step = (path: string) => ({ path, tool: 'book' });

describe('the order in which a saga goes back', () => {
  it('is that of the workflow, backwards, ways back of its own among the steps', () => {
    const undo = { name: 'seat' };
    const order = undoOrder([step('b'), step('a')], ['a', 'looked up', undo, 'b']);
    expect(order).toEqual([step('b'), undo, step('a')]);
  });

  it('begins with what the workflow has not seen, the last to end first', () => {
    expect(undoOrder([step('late'), step('a'), step('early')], ['a'])).toEqual([
      step('late'),
      step('early'),
      step('a'),
    ]);
  });

  it('leaves out what does not stand', () => {
    expect(undoOrder([], ['a', 'b'])).toEqual([]);
  });
});
