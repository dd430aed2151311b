/** In [0, 1), from two integers, by splitmix32: neighbouring seeds and ordinals give unrelated numbers. */
export function drawUniform(seed: number, ordinal: number): number {
  return mix(mix(seed | 0) ^ ordinal) / 2 ** 32;
}

function mix(value: number): number {
  let bits = (value + 0x9e3779b9) | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
  bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
  return (bits ^ (bits >>> 15)) >>> 0;
}
