import type { AttemptRecord, PosthornError, SendResult } from "@posthorn/core";
import type { InboundEvent } from "@posthorn/core/inbound";
import type { TrackingEvent } from "@posthorn/core/webhooks";

/** One line of what became of a mail. */
export type Row = readonly [
  provider: string,
  mail: string,
  recipient: string,
  status: string,
  id: string,
  attempts: string,
];

/** One line of what a webhook told. */
export type EventRow = readonly [provider: string, event: string, address: string, about: string];

export const MAIL_HEAD: Row = ["PROVIDER", "MAIL", "RECIPIENT", "STATUS", "MESSAGE ID", "ATTEMPTS"];
export const EVENT_HEAD: EventRow = ["PROVIDER", "EVENT", "ADDRESS", "ABOUT"];

/** A row for each recipient of a result. */
export function resultRows(mail: string, result: SendResult): Row[] {
  return Object.entries(result.recipients).map(([recipient, { status, messageId }]) => [
    result.provider,
    mail,
    recipient,
    status,
    String(messageId ?? "-"),
    describeAttempts(result.attempts),
  ]);
}

/** The row of a send that failed. */
export function errorRow(provider: string, mail: string, error: PosthornError): Row {
  const again = error.retryable ? "retryable" : "not retryable";
  return [
    provider,
    mail,
    "-",
    `${error.name}: ${error.delivery}, ${again}`,
    "-",
    describeAttempts(error.attempts),
  ];
}

/** The row of an event of a mail that was sent. */
export function trackingRow({ provider, eventType, recipient, ...event }: TrackingEvent): EventRow {
  const about = event.clickUrl ?? event.mtaResponse ?? event.description ?? event.tags.join(", ");
  return [provider, eventType, recipient ?? "-", about || "-"];
}

/** The row of a mail that came in. */
export function inboundRow({ provider, eventType, message }: InboundEvent): EventRow {
  const files = [...message.attachments, ...Object.values(message.inlines)];
  const names = files.map(({ filename }) => filename ?? "a file without a name");
  const about = [message.subject ?? "without a subject", ...names].join(", ");
  return [provider, eventType, message.from?.email ?? "-", about];
}

/** `429 (wait 1.0 s) → ECONNREFUSED → 200` */
function describeAttempts(attempts: readonly AttemptRecord[]): string {
  return attempts
    .map(({ status, error, delay }) => `${status ?? error}${delay ? ` (wait ${delay.toFixed(1)} s)` : ""}`)
    .join(" → ");
}

/** Rows in columns. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  // What others wrote must not steer the terminal.
  const all = [head, ...rows].map((row) => row.map((cell) => cell.replace(/\p{Cc}/gu, " ")));
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
