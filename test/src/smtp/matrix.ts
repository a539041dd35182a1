import { type FaultSmtp, refusedUrl, type SmtpFault, startFaultSmtp } from "@posthorn/testing/servers";

/** What a fault must come out as. */
export interface Outcome {
  readonly error: "ApiError" | "TransportError" | "RecipientsRefusedError" | "none";
  readonly delivery: "not-sent" | "unknown" | "accepted";
  readonly retryable?: boolean;
  readonly status?: number;
  readonly phase?: "connect" | "read" | "other";
}

/** One case: a server that fails, and what must come of a send. */
export interface Case {
  readonly name: string;
  readonly url: string;
  /** Milliseconds for the attempt. */
  readonly timeout: number;
  /** Bytes of the message's body. */
  readonly size: number;
  readonly expected: Outcome;
  /** The server, for cases that have one. */
  readonly server: FaultSmtp | undefined;
}

const refused = (status: number): Outcome => ({
  error: "ApiError",
  delivery: "not-sent",
  retryable: status < 500,
  status,
});
const UNSENT: Outcome = { error: "TransportError", delivery: "not-sent", retryable: true, phase: "connect" };
const LOST: Outcome = { error: "TransportError", delivery: "unknown", retryable: false, phase: "read" };
const SENT: Outcome = { error: "none", delivery: "accepted" };

/** Milliseconds, for cases that do not wait. */
const PATIENT = 20_000;
/** More than sockets buffer on loopback, so that the last byte cannot have left. */
const LARGE = 16_000_000;

type Row = readonly [name: string, at: SmtpFault["at"], does: SmtpFault["does"], Outcome];

/** What a server does at each step of a session. */
const ROWS: readonly Row[] = [
  ["greeting 554", "connect", "554 5.3.2 Not now", refused(554)],
  ["greeting 421", "connect", "421 4.3.2 Not now", refused(421)],
  ["greeting lost", "connect", "reset", UNSENT],
  ["greeting stalled", "connect", "stall", UNSENT],
  ["EHLO lost", "ehlo", "close", UNSENT],
  ["AUTH 535", "auth", "535 5.7.8 Bad credentials", refused(535)],
  ["AUTH 454", "auth", "454 4.7.0 Temporary failure", refused(454)],
  ["AUTH lost", "auth", "reset", UNSENT],
  ["MAIL 550", "mail", "550 5.7.1 No such sender", refused(550)],
  ["MAIL 451", "mail", "451 4.3.0 Local error", refused(451)],
  ["MAIL 421", "mail", "421 4.3.2 Closing", refused(421)],
  ["MAIL lost", "mail", "reset", UNSENT],
  ["RCPT lost", "rcpt", "close", UNSENT],
  [
    "all recipients refused",
    "rcpt",
    "550 5.1.1 No such user",
    { error: "RecipientsRefusedError", delivery: "not-sent", retryable: false },
  ],
  ["all recipients deferred", "rcpt", "451 4.3.0 Try later", refused(451)],
  ["DATA 451", "data", "451 4.3.0 Local error", refused(451)],
  ["DATA 554", "data", "554 5.7.1 No", refused(554)],
  ["DATA lost", "data", "reset", UNSENT],
  ["DATA stalled", "data", "stall", UNSENT],
  ["lost in the body", "body", "reset", UNSENT],
  ["stalled in the body", "body", "stall", UNSENT],
  ["refused in the body", "body", "452 4.3.1 Full", refused(452)],
  ["451 after the end", "end", "451 4.3.0 Local error", refused(451)],
  ["421 after the end", "end", "421 4.3.2 Closing", refused(421)],
  ["554 after the end", "end", "554 5.7.1 Spam", refused(554)],
  ["reset after the end", "end", "reset", LOST],
  ["closed after the end", "end", "close", LOST],
  ["stalled after the end", "end", "stall", LOST],
  ["no SMTP after the end", "end", "garbage", LOST],
  ["250, then reset", "accepted", "reset", SENT],
];

/** Starts a server for each case. The user is `ada` with the password `made-up-password`. */
export async function startCases(): Promise<readonly Case[]> {
  const cases: Case[] = [
    {
      name: "connection refused",
      url: (await refusedUrl()).replace("http:", "smtp:"),
      timeout: PATIENT,
      size: 10,
      expected: UNSENT,
      server: undefined,
    },
  ];
  for (const [name, at, does, expected] of ROWS) {
    const server = await startFaultSmtp({ faults: [{ at, does }], users: { ada: "made-up-password" } });
    const url = `smtp://ada:made-up-password@127.0.0.1:${server.port}`;
    const timeout = does === "stall" ? 700 : PATIENT;
    cases.push({ name, url, timeout, size: at === "body" ? LARGE : 10, expected, server });
  }
  return cases;
}
