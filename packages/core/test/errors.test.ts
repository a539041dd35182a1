import { inspect } from "node:util";
import { createContext, runInContext } from "node:vm";
import { describe, expect, it } from "vitest";
import {
  ApiError,
  InvalidAddressError,
  InvalidMessageError,
  PoolError,
  PosthornError,
  RecipientsRefusedError,
  SerializationError,
  TransportError,
  UnsupportedFeatureError,
} from "../src/index.js";
import { makeResult } from "../src/provider.js";

const api = (): ApiError =>
  new ApiError("Test answered 500: no", {
    provider: "Test",
    status: 500,
    headers: {},
    body: "x".repeat(100_000),
    cause: Object.assign(new Error("socket"), { code: "ECONNRESET" }),
  });

describe("errors", () => {
  it("have literal names and codes", () => {
    const all: readonly [PosthornError, string, unknown][] = [
      [new InvalidMessageError("m"), "InvalidMessageError", "INVALID_MESSAGE"],
      [new InvalidAddressError("m"), "InvalidAddressError", "INVALID_ADDRESS"],
      [new SerializationError("m"), "SerializationError", "NOT_SERIALIZABLE"],
      [new UnsupportedFeatureError("m", { field: "tags" }), "UnsupportedFeatureError", "UNSUPPORTED_FEATURE"],
      [new PoolError("m", { route: [] }), "PoolError", "POOL_FAILED"],
      [
        new RecipientsRefusedError("m", { result: makeResult({ provider: "Test", recipients: {} }) }),
        "RecipientsRefusedError",
        "RECIPIENTS_REFUSED",
      ],
      [new TransportError("m", { phase: "read", code: "ETIMEDOUT" }), "TransportError", "ETIMEDOUT"],
      [api(), "ApiError", undefined],
    ];
    for (const [error, name, code] of all) {
      expect([error.name, error.code]).toEqual([name, code]);
      expect(error).toBeInstanceOf(PosthornError);
      expect(error.constructor).toBe(Object.getPrototypeOf(error).constructor);
    }
    expect(new InvalidAddressError("m")).toBeInstanceOf(InvalidMessageError);
    expect(new InvalidMessageError("m")).not.toBeInstanceOf(InvalidAddressError);
    for (const other of [null, undefined, 1, {}, new Error("m")])
      expect(other instanceof PosthornError).toBe(false);
  });

  it("leave out what is not known, and keep to the defaults", () => {
    const error = new PosthornError("m", { provider: undefined, retryable: undefined });
    expect(Object.keys(error).sort()).toEqual(["attempts", "delivery", "retryable"]);
    expect(error).toMatchObject({ delivery: "not-sent", retryable: false, attempts: [] });
  });

  it("are told from a subclass of the caller's own, which is told as usual", () => {
    class Own extends ApiError {}
    const own = new Own("m", { status: 500, headers: {}, body: "" });
    expect(own instanceof Own && own instanceof ApiError && own instanceof PosthornError).toBe(true);
    expect(api() instanceof Own).toBe(false);
  });

  it("of another realm are told by their mark", () => {
    const foreign = runInContext(
      `Object.assign(new Error("m"), { [Symbol.for("posthorn.PosthornError")]: true })`,
      createContext(),
    ) as unknown;
    expect(foreign instanceof Error).toBe(false);
    expect(foreign instanceof PosthornError).toBe(true);
    expect(foreign instanceof ApiError).toBe(false);
  });

  it("are written as JSON with name, message, code, delivery and the cause's message", () => {
    const plain = JSON.parse(JSON.stringify(api())) as Record<string, unknown>;
    expect(plain).toMatchObject({
      name: "ApiError",
      message: "Test answered 500: no",
      delivery: "not-sent",
      status: 500,
      cause: { name: "Error", message: "socket", code: "ECONNRESET" },
    });
    expect(JSON.stringify(plain).length).toBeLessThan(2000);
    expect(plain).not.toHaveProperty("retryAt");
  });

  it("print on one screen, whatever they hold", () => {
    const attempts = Array.from({ length: 30 }, (_, number) => ({ number, startedAt: 0, duration: 1 }));
    const shown = inspect(
      new PoolError("m".repeat(5000), {
        route: Array.from({ length: 20 }, () => ({
          provider: "Test",
          outcome: "failed" as const,
          error: api(),
        })),
        attempts,
        cause: api(),
      }),
      { depth: 20 },
    );
    expect(shown.split("\n").length).toBeLessThan(25);
    expect(shown.length).toBeLessThan(4000);
    expect(shown).toMatch(/^PoolError: m+/);
    expect(inspect(api())).toContain('"message":"socket"');
    const cyclic = Object.assign(new PosthornError("m"), { own: {} as Record<string, unknown> });
    cyclic.own["self"] = cyclic.own;
    expect(inspect(cyclic)).toContain("PosthornError: m");
  });
});
