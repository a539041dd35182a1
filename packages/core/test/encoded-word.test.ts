import { describe, expect, it } from "vitest";
import { encodeWords } from "../src/provider.js";

describe("encodeWords", () => {
  it.each([
    ["plain, text", "plain, text"],
    ["Odesílatel, z adresy", "=?utf-8?q?Odes=C3=ADlatel=2C_z_adresy?="],
    ["Odpověď, adresa", "=?utf-8?b?T2Rwb3bEm8SPLCBhZHJlc2E=?="],
    ["Další", "=?utf-8?b?RGFsxaHDrQ==?="],
  ])("%s", (text, encoded) => {
    expect(encodeWords(text)).toBe(encoded);
  });

  it("splits between characters, in words of at most 75", () => {
    const words = encodeWords("😀".repeat(40)).split(" ");
    expect(words.every((word) => word.length <= 75)).toBe(true);
    const decoded = words.map((word) => Buffer.from(word.slice(10, -2), "base64").toString("utf8"));
    expect(decoded.join("")).toBe("😀".repeat(40));
  });
});
