import { readFileSync } from "node:fs";

/** A vector that Posthorn deliberately answers otherwise. */
export interface VectorException {
  readonly suite: "send" | "webhook" | "retry";
  /** Provider folder name, or `*`. */
  readonly provider?: string;
  /** Part of the vector's id, or several, with spaces between. */
  readonly match: string;
  /** Message fields that the vector must have for the exception to hold. */
  readonly when?: Readonly<Record<string, unknown>>;
  /**
   * Fields of webhook events that are not compared, `message.text` within a message, or `recipients` of a send; without it, nothing
   * is.
   */
  readonly ignore?: readonly string[];
  readonly reason: string;
}

const EXCEPTIONS = JSON.parse(
  readFileSync(new URL("../../vectors/exceptions.json", import.meta.url), "utf8"),
) as readonly VectorException[];

/** The exception that a vector falls under, if any. */
export function exceptionFor(
  suite: VectorException["suite"],
  provider: string,
  id: string,
  message: Readonly<Record<string, unknown>> = {},
): VectorException | undefined {
  return EXCEPTIONS.find(
    (exception) =>
      exception.suite === suite &&
      (exception.provider ?? "*").split(" ").some((name) => name === "*" || name === provider) &&
      exception.match.split(" ").some((part) => id.includes(part)) &&
      Object.entries(exception.when ?? {}).every(
        ([field, value]) => JSON.stringify(message[field]) === JSON.stringify(value),
      ),
  );
}
