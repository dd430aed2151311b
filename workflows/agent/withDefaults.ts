/** Per-call options over the proxy's; one that is there but undefined says nothing. */
export function withDefaults<Options extends object>(options: Options, defaults: Options): Options {
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(said) as Options) };
}
