import { type ByteChunk, ByteChunks, utf8 } from "../bytes/chunks.js";
import type { EncodedBody, FormPart } from "./body.js";

/**
 * Writes a form as `FormData` would be sent, but without copies of its files: `fetch` makes some.
 *
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
export function encodeMultipart(parts: readonly FormPart[]): EncodedBody {
  const boundary = `posthorn-${crypto.randomUUID()}`;
  const pieces: ByteChunk[] = [];
  let text = "";
  for (const part of parts) {
    const [name, value] = "filename" in part ? [part.name] : part;
    text += `--${boundary}\r\nContent-Disposition: form-data; name="${quote(lines(name))}"`;
    if ("filename" in part) {
      text += `; filename="${quote(part.filename)}"\r\nContent-Type: ${part.contentType}\r\n\r\n`;
      pieces.push(utf8(text), ...part.content.parts);
      text = "\r\n";
    } else {
      text += `\r\n\r\n${lines(value ?? "")}\r\n`;
    }
  }
  pieces.push(utf8(`${text}--${boundary}--\r\n`));
  return { body: new ByteChunks(pieces), contentType: `multipart/form-data; boundary=${boundary}` };
}

function lines(text: string): string {
  return text.replace(/\r?\n|\r/g, "\r\n");
}

function quote(text: string): string {
  return text.replace(/[\r\n"]/g, encodeURIComponent);
}
