import { describe, expect, it } from 'vitest';
import { withDefaults } from '../../workflows/agent/withDefaults.js';

describe('options of a call', () => {
  it('go before the proxy’s, unless they are undefined', () => {
    const defaults = { timeout: '2m', model: 'small' };
    expect(withDefaults<Partial<typeof defaults>>({ model: 'large' }, defaults)).toEqual({
      timeout: '2m',
      model: 'large',
    });
    const unsaid = { timeout: undefined } as unknown as typeof defaults;
    expect(withDefaults(unsaid, defaults)).toEqual(defaults);
  });
});
