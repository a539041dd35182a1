import { readFileSync } from "node:fs";
import { type RetryEvent, type RetryOptions, RetryPolicy } from "@posthorn/core";
import { describe, expect, it } from "vitest";
import { exceptionFor } from "./exceptions.js";

interface Step {
  readonly decision: "retry" | "raise" | "return-response";
  readonly class: string;
  readonly why?: string;
  readonly exhausted?: readonly string[];
  readonly delay?: number;
  readonly delaySource?: string;
  readonly backoffIfNoHeader?: number;
  readonly remaining?: Readonly<Record<string, number | null | false>>;
}
type RetryVectorEvent = { error: string } | { status: number; retryAfter?: string };
interface Vectors {
  readonly now: number;
  readonly retry: readonly {
    readonly id: string;
    readonly name?: string;
    readonly policy: Readonly<Record<string, unknown>>;
    readonly method: string;
    readonly events: readonly RetryVectorEvent[];
    readonly expected: {
      readonly steps: readonly Step[];
      readonly totalDelay: number;
      readonly attempts: number;
    };
  }[];
  readonly retryAfter: readonly {
    readonly id: string;
    readonly header: string;
    readonly retry_after_max: number | null;
    readonly expected: { readonly seconds?: number; readonly error?: string };
  }[];
  readonly isRetry: readonly {
    readonly id: string;
    readonly policy: Readonly<Record<string, unknown>>;
    readonly method: string;
    readonly status: number;
    readonly hasRetryAfter: boolean;
    readonly expected: boolean;
  }[];
  readonly backoff: readonly {
    readonly id: string;
    readonly backoff_factor: number;
    readonly backoff_max: number | null;
    readonly expected: readonly number[];
  }[];
}

const vectors = JSON.parse(
  readFileSync(new URL("../../vectors/retry/urllib3.json", import.meta.url), "utf8"),
) as Vectors;
const now = vectors.now * 1000;
const clock = { now: () => now, random: () => 0 };

const NAMES: Readonly<Record<string, string>> = { respect_retry_after_header: "respectRetryAfter" };

function policyOf(options: Readonly<Record<string, unknown>>): RetryPolicy {
  const entries = Object.entries(options).map(([name, value]) => [
    NAMES[name] ?? name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
    value,
  ]);
  return new RetryPolicy(Object.fromEntries(entries) as RetryOptions);
}

const CLASSES: Readonly<Record<string, "connect" | "read" | "other">> = {
  "connect-timeout": "connect",
  "connection-refused": "connect",
  "read-timeout": "read",
  "connection-reset": "read",
  "protocol-error": "read",
  "tls-error": "other",
};

function eventOf(event: RetryVectorEvent): RetryEvent {
  if ("status" in event) return { class: "status", status: event.status, retryAfter: event.retryAfter };
  const failure = CLASSES[event.error];
  if (!failure) throw new Error(`the vectors have an unknown error ${event.error}`);
  return { class: failure };
}

describe("retry decisions of urllib3", () => {
  for (const vector of vectors.retry) {
    const exception = exceptionFor("retry", "", vector.id);
    it.skipIf(exception)(`${vector.id} ${vector.name ?? ""}`, () => {
      let policy = policyOf(vector.policy);
      let slept = 0;
      for (const [index, step] of vector.expected.steps.entries()) {
        const event = eventOf(vector.events[index] as RetryVectorEvent);
        expect(event.class).toBe(step.class);
        const decision = policy.decide(vector.method, event, clock);
        // Python raises what JavaScript throws.
        expect(decision.decision).toBe(step.decision === "raise" ? "throw" : step.decision);
        if (decision.decision === "retry") {
          expect(decision.delay).toBeCloseTo(step.delay ?? Number.NaN, 9);
          expect(decision.delaySource).toBe(step.delaySource);
          expect(decision.next.backoffTime(() => 0)).toBeCloseTo(step.backoffIfNoHeader ?? Number.NaN, 9);
          const { total, connect, read, status, other } = decision.next;
          expect({ total, connect, read, status, other }).toEqual(step.remaining);
          slept += decision.delay;
          policy = decision.next;
        } else {
          expect(decision.why).toBe(step.why);
          expect(decision.exhausted).toEqual(step.exhausted ?? []);
        }
      }
      expect(slept).toBeCloseTo(vector.expected.totalDelay, 9);
    });
  }

  it("answers c046 by the backoff, since its Retry-After cannot be read", () => {
    const decision = new RetryPolicy().decide(
      "GET",
      { class: "status", status: 503, retryAfter: "soon" },
      clock,
    );
    expect(decision).toMatchObject({ decision: "retry", delay: 0, delaySource: "none" });
  });
});

describe("parseRetryAfter", () => {
  for (const vector of vectors.retryAfter) {
    it(`${vector.id} ${JSON.stringify(vector.header)}`, () => {
      const policy = new RetryPolicy(
        vector.retry_after_max === null ? {} : { retryAfterMax: vector.retry_after_max },
      );
      // Where urllib3 raises InvalidHeader, the header counts as absent.
      expect(policy.parseRetryAfter(vector.header, now)).toBe(vector.expected.seconds);
    });
  }
});

describe("isRetry", () => {
  for (const vector of vectors.isRetry) {
    it(`${vector.id} ${vector.method} ${vector.status}`, () => {
      expect(policyOf(vector.policy).isRetry(vector.method, vector.status, vector.hasRetryAfter)).toBe(
        vector.expected,
      );
    });
  }
});

describe("backoff", () => {
  for (const vector of vectors.backoff) {
    it(vector.id, () => {
      let policy = new RetryPolicy({
        total: 100,
        backoffFactor: vector.backoff_factor,
        ...(vector.backoff_max === null ? {} : { backoffMax: vector.backoff_max }),
      });
      for (const seconds of vector.expected) {
        expect(policy.backoffTime(() => 0)).toBeCloseTo(seconds, 9);
        policy = policy.increment("GET", { class: "status", status: 500 });
      }
    });
  }
});
