import type { AttemptRecord, PosthornError, SendResult } from "@posthorn/core";

/** One line of what happened. */
export type Row = readonly [
  provider: string,
  mail: string,
  recipient: string,
  status: string,
  id: string,
  attempts: string,
];

const HEAD: Row = ["PROVIDER", "MAIL", "RECIPIENT", "STATUS", "MESSAGE ID", "ATTEMPTS"];

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

/** `429 (wait 1.0 s) → ECONNREFUSED → 200` */
function describeAttempts(attempts: readonly AttemptRecord[]): string {
  return attempts
    .map(({ status, error, delay }) => `${status ?? error}${delay ? ` (wait ${delay.toFixed(1)} s)` : ""}`)
    .join(" → ");
}

/** Rows in columns. */
export function formatTable(rows: readonly Row[]): string {
  const all = [HEAD, ...rows];
  const widths = HEAD.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
