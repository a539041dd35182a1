import { PosthornError, type SendResult, Session } from "@posthorn/core";
import { mandrill } from "@posthorn/mandrill";
import { resend } from "@posthorn/resend";
import {
  type Fault,
  type FaultServer,
  type SeenRequest,
  seededRandom,
  startFaultServer,
} from "@posthorn/testing/servers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clockOfEachSend, type SendTime } from "./send-clock.js";

const SEQUENCES = 2_000;
/** A provider's yes, which ends with what makes it JSON, so that half of it is none. */
const YES = {
  resend: '{"id":"1"}',
  mandrill: '[{"email":"b@example.org","status":"sent","_id":"1"}]',
} as const;

const PAGE = "<html><title>503 Backend fetch failed</title></html>";

/** Faults by how often they come. Some are commited after the provider had taken the mail. */
const FAULTS: readonly (readonly [weight: number, fault: Fault])[] = [
  [3, { kind: "answer", status: 429 }],
  [3, { kind: "answer", status: 429, headers: { "retry-after": "2" } }],
  [2, { kind: "answer", status: 503, headers: { "retry-after": "1" } }],
  [2, { kind: "answer", status: 503 }],
  [2, { kind: "answer", status: 500 }],
  [2, { kind: "answer", status: 500, accepted: true }],
  [2, { kind: "answer", status: 502, accepted: true }],
  [1, { kind: "answer", status: 400 }],
  [2, { kind: "reset-after-request" }],
  [2, { kind: "reset-after-request", accepted: true }],
  [2, { kind: "close-after-request", accepted: true }],
  [1, { kind: "invalid-http", accepted: true }],
  [1, { kind: "stall-before-headers", accepted: true }],
  [1, { kind: "truncated-body", body: YES.mandrill }],
  [1, { kind: "garbage" }],
  [2, { kind: "tls-break", accepted: true }],
  // Proxies that respond for a provider that was only slow.
  [2, { kind: "answer", status: 503, headers: { "retry-after": "1" }, body: PAGE, accepted: true }],
  [1, { kind: "answer", status: 429, headers: { "retry-after": "1" }, body: PAGE, accepted: true }],
  [1, { kind: "answer", status: 413, headers: { "retry-after": "1" }, body: PAGE, accepted: true }],
  [1, { kind: "answer", status: 504, body: PAGE, accepted: true }],
  [1, { kind: "answer", status: 303, headers: { location: "/done" }, accepted: true }],
  [
    2,
    {
      kind: "answer",
      status: 503,
      headers: { "retry-after": "1" },
      body: '{"name":"Busy","message":"busy"}',
    },
  ],
  [1, { kind: "answer", status: 421 }],
];

const YES_WEIGHT = 8;
/** Of responses, one in so many meets a hook of the session that fails as a refused connection does. */
const HOOK_FAILS = 12;

function pick(random: () => number, yes: Fault): Fault {
  let at = random() * FAULTS.reduce((sum, [weight]) => sum + weight, YES_WEIGHT);
  for (const [weight, fault] of FAULTS) {
    at -= weight;
    if (at < 0) return fault;
  }
  return yes;
}

/** The subject of a mail, wherever its provider has it. */
function subjectOf(body: Buffer): string {
  const json = JSON.parse(body.toString()) as { subject?: string; message?: { subject: string } };
  return json.subject ?? json.message?.subject ?? "";
}

let server: FaultServer;
beforeAll(async () => {
  server = await startFaultServer({ tls: true });
  // The server's certificate is its own.
  process.env["NODE_TLS_REJECT_UNAUTHORIZED"] = "0";
});
afterAll(() => {
  delete process.env["NODE_TLS_REJECT_UNAUTHORIZED"];
  return server.close();
});

for (const takesKey of [false, true]) {
  describe(`the default policy, ${takesKey ? "with" : "without"} an idempotency key (${takesKey ? "Resend" : "Mandrill"})`, () => {
    it(`over ${SEQUENCES} random fault sequences accepts no mail twice and reports none wrongly`, {
      timeout: 300_000,
    }, async () => {
      server.reset();
      // What happens to a mail depends on its number and attempt alone, so that a failure can be seen again.
      const faults = new Map<string, () => number>();
      const times = new Map<string, SendTime>();
      server.decide((request) => {
        const subject = subjectOf(request.body);
        const random = faults.get(subject) ?? seededRandom(Number(subject) + 1);
        faults.set(subject, random);
        const fault = pick(random, { kind: "answer", body: takesKey ? YES.resend : YES.mandrill });
        if (fault.kind === "stall-before-headers") setImmediate(() => times.get(subject)?.timeOut());
        return fault;
      });
      const { clock, run } = clockOfEachSend(seededRandom(7));
      const hookRandom = seededRandom(11);
      const failedHook = Object.assign(new Error("metrics"), { code: "ECONNREFUSED", syscall: "connect" });
      const onResponse = (): void => {
        if (hookRandom() * HOOK_FAILS < 1) throw failedHook;
      };
      const session = new Session({ clock, retryBudget: false, hooks: { onResponse } });
      const options = { apiKey: "made-up", apiUrl: server.url, session };
      const backend = takesKey ? resend(options) : mandrill(options);
      const reported: { delivery: string; attempts: SendResult["attempts"] }[] = [];
      let next = 0;
      const sender = async (): Promise<void> => {
        while (next < SEQUENCES) {
          const index = next++;
          const subject = String(index);
          const message = { from: "a@example.com", to: ["b@example.org"], subject };
          const outcome = await run(
            (time) => times.set(subject, time),
            () => backend.send(message).catch((error: PosthornError) => error),
          );
          const seen: SendResult | PosthornError = outcome;
          const delivery = outcome instanceof PosthornError ? outcome.delivery : "accepted";
          reported[index] = { delivery, attempts: seen.attempts };
        }
      };
      await Promise.all(Array.from({ length: 64 }, sender));
      const tally: Record<string, number> = {};
      let repeats = 0;
      const bySubject = new Map<string, SeenRequest[]>();
      for (const request of server.requests) {
        const subject = subjectOf(request.body);
        bySubject.set(subject, [...(bySubject.get(subject) ?? []), request]);
      }
      for (const [index, { delivery, attempts }] of reported.entries()) {
        const seen = bySubject.get(String(index)) ?? [];
        const story = JSON.stringify({ index, delivery, attempts, faults: seen.map(({ fault }) => fault) });
        // Node itself sends a request again at a 421, once. One that failed may not have come to the server.
        const resent = seen.filter(({ fault }) => "status" in fault && fault.status === 421);
        const failed = attempts.filter(({ status }) => status === undefined);
        expect(seen.length, story).toBeGreaterThanOrEqual(attempts.length - failed.length);
        expect(seen.length, story).toBeLessThanOrEqual(attempts.length + resent.length);
        const accepted = seen.filter((request) => request.accepted);
        const keys = new Set(seen.map(({ headers }) => headers["idempotency-key"]));
        if (takesKey) expect([keys.size, keys.has(undefined)], story).toEqual([1, false]);
        else expect(accepted.length, story).toBeLessThanOrEqual(1);
        repeats += Math.max(0, accepted.length - 1);
        if (delivery === "accepted") expect(accepted.length, story).toBeGreaterThan(0);
        if (delivery === "not-sent") expect(accepted.length, story).toBe(0);
        tally[delivery] = (tally[delivery] ?? 0) + 1;
      }
      console.log(
        `${takesKey ? "with" : "without"} a key:`,
        tally,
        `${server.requests.length} requests, ${repeats} repeats`,
      );
      expect(reported).toHaveLength(SEQUENCES);
      // Both kinds must occur, or the run proved nothing.
      for (const delivery of ["accepted", "unknown", "not-sent"]) expect(tally[delivery]).toBeGreaterThan(20);
      if (takesKey) expect(repeats).toBeGreaterThan(100);
    });
  });
}
