/** A request as it came over the socket. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** What a buffer holds: a whole request and the bytes after it, or not yet one. */
export type Parsed = { readonly request: RawRequest; readonly rest: Buffer } | undefined;

/** Reads one HTTP/1.1 request off the front of a buffer (RFC 9112), with a Content-Length or in chunks. */
export function parseRequest(buffer: Buffer): Parsed {
  const end = buffer.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [start = "", ...lines] = buffer.subarray(0, end).toString("latin1").split("\r\n");
  const [method = "", path = ""] = start.split(" ");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const after = buffer.subarray(end + 4);
  const body = headers["transfer-encoding"]?.includes("chunked")
    ? parseChunks(after)
    : parseFixed(after, Number(headers["content-length"] ?? 0));
  return body && { request: { method, path, headers, body: body.body }, rest: body.rest };
}

interface Body {
  readonly body: Buffer;
  readonly rest: Buffer;
}

function parseFixed(buffer: Buffer, length: number): Body | undefined {
  return buffer.length < length
    ? undefined
    : { body: buffer.subarray(0, length), rest: buffer.subarray(length) };
}

function parseChunks(buffer: Buffer): Body | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = buffer.indexOf("\r\n", at);
    if (lineEnd < 0) return undefined;
    const size = Number.parseInt(buffer.toString("latin1", at, lineEnd), 16);
    const start = lineEnd + 2;
    if (buffer.length < start + size + 2) return undefined;
    if (size === 0) return { body: Buffer.concat(parts), rest: buffer.subarray(start + 2) };
    parts.push(buffer.subarray(start, start + size));
    at = start + size + 2;
  }
}
