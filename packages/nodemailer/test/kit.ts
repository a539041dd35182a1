import { createTransport as createTransport10 } from "nodemailer";
import { createTransport as createTransport6 } from "nodemailer-6";
import { createTransport as createTransport7 } from "nodemailer-7";
import { createTransport as createTransport8 } from "nodemailer-8";
import type { NodemailerTransporter } from "../src/index.js";

type Create = (
  transport: unknown,
  defaults?: object,
) => NodemailerTransporter & {
  verify(): Promise<unknown>;
  close(): void;
  use(step: string, plugin: (mail: never, done: (error?: Error) => void) => void): unknown;
};

/** Each Nodemailer that is in use. */
export const VERSIONS: readonly (readonly [string, Create])[] = [
  ["6.10", createTransport6 as unknown as Create],
  ["7", createTransport7 as unknown as Create],
  ["8", createTransport8 as unknown as Create],
  ["10", createTransport10 as unknown as Create],
];

/** What a promise rejects with. */
export async function failure<T extends Error>(promise: Promise<unknown>): Promise<T> {
  const thrown: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(thrown instanceof Error)) throw new Error(`expected a rejection, got ${String(thrown)}`);
  return thrown as T;
}
