import { describe, expect, it } from "vitest";
import { encodeMultipart } from "../src/backend/multipart.js";
import { keep } from "../src/bytes/chunks.js";
import { ByteChunks, encodeBase64 } from "../src/provider.js";

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => new Uint8Array(values);
const read = async (body: Blob | ReadableStream): Promise<number[]> => [
  ...new Uint8Array(await new Response(body).arrayBuffer()),
];

describe("pieces", () => {
  it("give the same bytes as a blob and as streams, as often as they are asked", async () => {
    const pieces = new ByteChunks([
      bytes(1, 2),
      new Blob([bytes(3), bytes(4)]),
      new Blob([]),
      bytes(),
      new Blob([bytes(5)]),
      bytes(6),
    ]);
    expect(pieces.size).toBe(6);
    for (const body of [pieces.stream(), pieces.blob(), pieces.stream()]) {
      expect(await read(body)).toEqual([1, 2, 3, 4, 5, 6]);
    }
    expect(await read(new ByteChunks([]).stream())).toEqual([]);
  });

  it("hold no large buffer for a small part of it", () => {
    const small = keep(new Uint8Array(1_000_000).subarray(10, 20));
    expect(small instanceof Blob ? small.size : small.buffer.byteLength).toBe(10);
  });
});

it("writes base64 of any length", () => {
  for (let length = 0; length < 100; length++) {
    const value = Uint8Array.from({ length }, (_, index) => (index * 89 + length) & 0xff);
    expect(encodeBase64(value)).toBe(Buffer.from(value).toString("base64"));
  }
});

it("writes forms that parsers read back as FormData's own", async () => {
  const content = new ByteChunks([bytes(0, 13, 10), new Blob(["--x\r\n"])]);
  const { body, contentType } = encodeMultipart([
    ["to", "a@example.org"],
    ["to", "b@example.org"],
    ['odd "name"\r\n', "line\none\rtwo\r\nž"],
    { name: "attachment", filename: 'účet "1".csv', contentType: "text/csv", content },
    { name: "attachment", filename: "empty", contentType: "image/png", content: new ByteChunks([]) },
    ["last", ""],
  ]);
  const form = await new Response((body as ByteChunks).blob(), {
    headers: { "content-type": contentType },
  }).formData();
  const expected = new FormData();
  expected.append("to", "a@example.org");
  expected.append("to", "b@example.org");
  expected.append('odd "name"\r\n', "line\none\rtwo\r\nž");
  expected.append("attachment", new File([content.blob()], 'účet "1".csv', { type: "text/csv" }));
  expected.append("attachment", new File([], "empty", { type: "image/png" }));
  expected.append("last", "");
  const sent = await new Response(expected).formData();
  expect(await entries(form)).toEqual(await entries(sent));
});

async function entries(form: FormData): Promise<unknown[]> {
  return Promise.all(
    [...form].map(async ([name, value]) =>
      typeof value === "string"
        ? [name, value]
        : [name, value.name, value.type, [...new Uint8Array(await value.arrayBuffer())]],
    ),
  );
}
