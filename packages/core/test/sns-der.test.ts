import { describe, expect, it } from "vitest";
import { TAG, timeOf } from "../src/sns/der.js";

const time = (text: string, tag: number = TAG.utcTime) => {
  const value = new TextEncoder().encode(text);
  return timeOf({ tag, value, bytes: value });
};

describe("times of certificates", () => {
  it("are UTC to the second", () => {
    expect(time("261124120000Z")).toBe(Date.UTC(2026, 10, 24, 12));
    expect(time("491231235959Z")).toBe(Date.UTC(2049, 11, 31, 23, 59, 59));
    expect(time("500101000000Z")).toBe(Date.UTC(1950, 0, 1));
    expect(time("20560229000000Z", 0x18)).toBe(Date.UTC(2056, 1, 29));
  });

  it("are refused where they are none, so that no certificate is good for ever", () => {
    for (const text of [
      "261301000000Z",
      "260230000000Z",
      "261124250000Z",
      "261124120060Z",
      "2611241200Z",
      "261124120000+0100",
      "",
    ]) {
      expect(() => time(text), text).toThrow(RangeError);
    }
  });
});
