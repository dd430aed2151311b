import { describe, expect, it } from 'vitest';
import { SegnoError } from '../../core/errors.js';
import { SegnoError as BuiltSegnoError } from 'segno';

describe('SegnoError', () => {
  it('is known to another copy of the package in the same process', () => {
    expect(new BuiltSegnoError('Tool.Failed', 'no')).toBeInstanceOf(SegnoError);
  });

  it('is not any error of that name', () => {
    const foreign = Object.assign(new Error('no'), { name: 'SegnoError', type: 'Not.Registered' });
    expect(foreign).not.toBeInstanceOf(SegnoError);
    expect(new Error('no')).not.toBeInstanceOf(SegnoError);
  });
});
