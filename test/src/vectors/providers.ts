import { brevo } from "@posthorn/brevo";
import type { BackendOptions, Features, HttpBackend } from "@posthorn/core";
import { mailgun } from "@posthorn/mailgun";
import { mandrill } from "@posthorn/mandrill";
import { resend } from "@posthorn/resend";
import { unisenderGo } from "@posthorn/unisender-go";

/** A provider's factory, for tests that treat all alike. */
export type AnyFactory = (options: BackendOptions & Record<string, unknown>) => HttpBackend<Features>;

/** Factories by package folder, with the prefix of the provider's settings. */
export const PROVIDERS: Readonly<Record<string, { readonly prefix: string; readonly create: AnyFactory }>> = {
  brevo: { prefix: "BREVO", create: brevo as unknown as AnyFactory },
  mailgun: { prefix: "MAILGUN", create: mailgun as unknown as AnyFactory },
  mandrill: { prefix: "MANDRILL", create: mandrill as unknown as AnyFactory },
  resend: { prefix: "RESEND", create: resend as unknown as AnyFactory },
  "unisender-go": { prefix: "UNISENDER_GO", create: unisenderGo as unknown as AnyFactory },
};
