/** An environment variable, on any runtime; `undefined` where there is no environment, or no leave to read it. */
export function readEnv(name: string): string | undefined {
  const scope = globalThis as {
    process?: { env?: Record<string, string | undefined> };
    Deno?: { env?: { get(name: string): string | undefined } };
  };
  try {
    return (scope.Deno?.env ? scope.Deno.env.get(name) : scope.process?.env?.[name]) || undefined;
  } catch {
    return undefined;
  }
}
