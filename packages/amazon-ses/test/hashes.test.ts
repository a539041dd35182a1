import { createHash, createHmac } from "node:crypto";
import { ByteChunks } from "@posthorn/core/provider";
import { describe, expect, it } from "vitest";
import { hashBody, scriptHashes } from "../src/hashes.js";
import { webHashes } from "../src/sigv4.js";

/** Bytes after which others get their turn, and what a body's pieces have. */
const [TURN, PIECE] = [300_000, 32_768];
const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex");
const bytesOf = (size: number): Uint8Array<ArrayBuffer> =>
  new Uint8Array(size).map((_, index) => (index * 7919) >> 3);

describe("hashBody, against Node's own hashes", () => {
  // Around a block, around where Web Cryptography takes over.
  it.each([0, 1, 55, 56, 63, 64, 65, 119, 120, 5000, 12_287, 12_288, 100_000])(
    "of a text of %i characters",
    async (size) => {
      const text = "a".repeat(size);
      expect(await hashBody(text)).toBe(sha256(text));
    },
  );

  it("of a text beyond ASCII", async () => {
    const text = "Žluťoučký kůň 🐎";
    for (const each of [text, text.repeat(1000)]) expect(await hashBody(each)).toBe(sha256(each));
  });

  it.each([0, 1, 64, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 12_345])(
    "of %i bytes in pieces",
    async (size) => {
      const bytes = bytesOf(size);
      const parts = Array.from({ length: Math.ceil(size / PIECE) }, (_, index) =>
        bytes.slice(index * PIECE, (index + 1) * PIECE),
      );
      expect(await hashBody(new ByteChunks(parts))).toBe(sha256(bytes));
      expect(await hashBody(new ByteChunks([new Blob([bytes])]))).toBe(sha256(bytes));
    },
  );

  it("lets others have their turn between the pieces", async () => {
    const parts = Array.from({ length: 5 }, () => bytesOf(TURN));
    const hashing = hashBody(new ByteChunks(parts)).then(() => "done");
    let turns = 0;
    const turn = (): Promise<undefined> => new Promise((resolve) => setImmediate(() => resolve(undefined)));
    while ((await Promise.race([hashing, turn()])) === undefined) turns++;
    expect(turns).toBeGreaterThanOrEqual(4);
  });
});

describe.each([
  ["JavaScript", scriptHashes],
  ["Web Cryptography", webHashes],
])("hashes by %s", (_, hashes) => {
  it.each([1, 32, 64, 65, 200])("HMAC with a key of %i bytes", async (size) => {
    const key = bytesOf(size);
    for (const text of ["", "eu-west-1", "ä".repeat(100)]) {
      expect(Buffer.from(await hashes.hmac(key, text)).toString("hex")).toBe(
        createHmac("sha256", key).update(text).digest("hex"),
      );
    }
  });

  it("SHA-256", async () => {
    for (const text of ["", "abc", "ä".repeat(1000)]) {
      expect(Buffer.from(await hashes.sha256(text)).toString("hex")).toBe(sha256(text));
    }
  });
});
