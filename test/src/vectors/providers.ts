import type { BackendOptions, Features, HttpBackend } from "@posthorn/core";
import { mailgun } from "@posthorn/mailgun";
import { mandrill } from "@posthorn/mandrill";

/** A provider's factory, for tests that treat all alike. */
export type AnyFactory = (options: BackendOptions & Record<string, unknown>) => HttpBackend<Features>;

/** Factories by package folder, with the prefix of the provider's settings. */
export const PROVIDERS: Readonly<Record<string, { readonly prefix: string; readonly create: AnyFactory }>> = {
  mailgun: { prefix: "MAILGUN", create: mailgun as unknown as AnyFactory },
  mandrill: { prefix: "MANDRILL", create: mandrill as unknown as AnyFactory },
};
