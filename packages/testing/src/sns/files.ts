/** A `fetch` that has nothing but the files given, and notes what it was asked for. Loopback goes through. */
export function fetchOfFiles(files: Readonly<Record<string, string | Uint8Array>>): {
  readonly fetch: typeof globalThis.fetch;
  readonly urls: readonly string[];
} {
  const urls: string[] = [];
  return {
    urls,
    fetch: async (input, init) => {
      const url = input instanceof Request ? input.url : String(input);
      if (new URL(url).hostname === "127.0.0.1") return globalThis.fetch(input, init);
      urls.push(url);
      const file = files[url];
      return file === undefined
        ? new Response("no", { status: 404 })
        : new Response(file as BodyInit, { headers: { "content-type": "application/octet-stream" } });
    },
  };
}
