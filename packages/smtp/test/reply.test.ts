import { describe, expect, it } from "vitest";
import { readFailure } from "../src/failure.js";
import {
  isUntelling,
  mayBeAccepted,
  parseReply,
  recipientStatus,
  retryDelay,
  serverMessageId,
} from "../src/reply.js";

const reply = (text: string): NonNullable<ReturnType<typeof parseReply>> => {
  const parsed = parseReply(text);
  if (!parsed) throw new Error(`no reply: ${text}`);
  return parsed;
};

describe("replies", () => {
  it.each([
    ["550 5.1.1 No such user", { status: 550, enhanced: "5.1.1", text: "No such user" }],
    [
      "550-5.7.1 Blocked\r\n550 5.7.1 See https://example.com",
      { status: 550, enhanced: "5.7.1", text: "Blocked See https://example.com" },
    ],
    ["550-No\n550 5.1.10 Null MX", { status: 550, enhanced: "5.1.10", text: "No Null MX" }],
    ["421", { status: 421, enhanced: undefined, text: "" }],
    [
      "554 10.1.1 is no enhanced code",
      { status: 554, enhanced: undefined, text: "10.1.1 is no enhanced code" },
    ],
    ["550 4.7.1 of another class", { status: 550, enhanced: undefined, text: "4.7.1 of another class" }],
  ])("%j", (text, expected) => {
    expect(parseReply(text)).toEqual(expected);
  });

  it.each(["", "<html>", "55", "5500 x", "999 x", "100 x", undefined, 550, null])("%j is none", (text) => {
    expect(parseReply(text)).toBeUndefined();
  });
});

describe("recipients", () => {
  it.each([
    ["250 2.1.5 Ok", "queued"],
    ["550 5.1.1 No such user", "invalid"],
    ["550 5.1.10 Null MX", "invalid"],
    ["553 Not allowed", "invalid"],
    ["501 Syntax", "invalid"],
    ["550 5.2.1 Disabled", "rejected"],
    ["550 5.7.1 Blocked", "rejected"],
    ["550 No", "rejected"],
    ["551 Not local", "rejected"],
    ["554 No", "rejected"],
    ["550 5.5.0 Unavailable", "rejected"],
    ["552 5.2.2 Full", "failed"],
    ["550 5.2.3 Too large", "failed"],
    ["552 Full", "failed"],
    ["450 4.2.1 Busy", "failed"],
    ["451 4.7.1 Greylisted", "failed"],
  ])("%s is %s", (text, status) => {
    expect(recipientStatus(reply(text))).toBe(status);
  });

  it("waits minutes where a server greylists, and not otherwise", () => {
    expect(retryDelay(reply("450 4.2.0 Greylisted"))).toBe(300_000);
    expect(retryDelay(reply("451 4.7.1 Greylisted"))).toBe(300_000);
    expect(retryDelay(reply("451 4.3.0 Local error"))).toBeUndefined();
  });
});

describe("ids", () => {
  it.each([
    ["250 2.0.0 Ok: queued as 4ABC12", "4ABC12"],
    ["250 OK id=1qAbCd-0001Xy-2z", "1qAbCd-0001Xy-2z"],
    ["250 Message received <abc.123@mx.example.com>", "abc.123@mx.example.com"],
    ["250 2.0.0 OK", undefined],
  ])("%s", (text, id) => {
    expect(serverMessageId(text)).toBe(id);
  });
});

describe("Cloudflare", () => {
  const host = "smtp.mx.cloudflare.net";

  it("may deliver what it answers with 451 after the end, and says nothing by a 250 without an id", () => {
    expect(mayBeAccepted(reply("451 4.3.0 Deferred"), host)).toBe(true);
    expect(mayBeAccepted(reply("451 4.3.0 Deferred"), "smtp.example.com")).toBe(false);
    expect(mayBeAccepted(reply("554 5.7.1 No"), host)).toBe(false);
    expect(isUntelling("250 2.0.0 Ok", host)).toBe(true);
    expect(isUntelling("250 2.0.0 Ok: queued as X1", host)).toBe(false);
    expect(isUntelling("250 2.0.0 Ok", "smtp.example.com")).toBe(false);
  });

  it("counts as unknown only after the end of the message", () => {
    const error = { code: "EMESSAGE", response: "451 4.3.0 Deferred", responseCode: 451, command: "DATA" };
    const state = { proof: "stream", stops: true, cut: undefined, host } as const;
    expect(readFailure(error, { ...state, ended: true }).delivery).toBe("unknown");
    expect(readFailure(error, { ...state, ended: false }).delivery).toBe("not-sent");
  });
});

describe("transports that are not SMTP", () => {
  const state = { proof: "reply", stops: false, cut: undefined, host: "", ended: false } as const;

  it.each([
    [{ code: "ECONNREFUSED", syscall: "connect", message: "connect ECONNREFUSED" }, "not-sent"],
    [{ code: "EAUTH", message: "Invalid login" }, "not-sent"],
    [{ code: "ECONFIG", message: "no" }, "not-sent"],
    [{ code: "ESES", message: "socket hang up" }, "unknown"],
    [{ message: "socket hang up", code: "ECONNRESET" }, "unknown"],
    [{ message: "no", response: "500 Internal Server Error", responseCode: 500 }, "unknown"],
    [{ message: "no", response: "550 5.7.1 No" }, "not-sent"],
    [{ message: "no", responseCode: 422 }, "not-sent"],
    ["a string", "unknown"],
    [undefined, "unknown"],
  ])("%j is %s", (error, delivery) => {
    expect(readFailure(error, state).delivery).toBe(delivery);
  });

  it("may still send what they were told to stop", () => {
    expect(readFailure({ code: "EABORT", message: "aborted" }, { ...state, cut: "TIMEOUT" }).delivery).toBe(
      "unknown",
    );
  });
});
