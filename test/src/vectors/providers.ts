import { amazonSes } from "@posthorn/amazon-ses";
import { brevo } from "@posthorn/brevo";
import type { BackendOptions, Features } from "@posthorn/core";
import type { HttpBackend } from "@posthorn/core/provider";
import { mailersend } from "@posthorn/mailersend";
import { mailgun } from "@posthorn/mailgun";
import { mailjet } from "@posthorn/mailjet";
import { mailtrap } from "@posthorn/mailtrap";
import { mandrill } from "@posthorn/mandrill";
import { postal } from "@posthorn/postal";
import { postmark } from "@posthorn/postmark";
import { resend } from "@posthorn/resend";
import { scaleway } from "@posthorn/scaleway";
import { sendgrid } from "@posthorn/sendgrid";
import { sparkpost } from "@posthorn/sparkpost";
import { unisenderGo } from "@posthorn/unisender-go";

/** A provider's factory, for tests that treat all alike. */
type AnyFactory = (options: BackendOptions & Record<string, unknown>) => HttpBackend<Features>;

/** What a provider needs besides its factory to be tested like all others. */
interface ProviderEntry {
  /** Prefix of its settings. */
  readonly prefix: string;
  readonly create: AnyFactory;
  /** Made-up credentials. */
  readonly credentials: Readonly<Record<string, string>>;
}

const entry = (prefix: string, create: unknown, ...keys: string[]): ProviderEntry => ({
  prefix,
  create: create as AnyFactory,
  credentials: Object.fromEntries(keys.map((key) => [key, `made-up-${key}-of-${prefix}`])),
});

/** Providers by package folder. */
export const PROVIDERS: Readonly<Record<string, ProviderEntry>> = {
  "amazon-ses": {
    prefix: "AMAZON_SES",
    create: amazonSes as unknown as AnyFactory,
    credentials: { accessKeyId: "AKIAMADEUP", secretAccessKey: "made-up-secret-of-SES", region: "eu-west-1" },
  },
  brevo: entry("BREVO", brevo, "apiKey"),
  mailersend: entry("MAILERSEND", mailersend, "apiToken"),
  mailgun: {
    prefix: "MAILGUN",
    create: mailgun as unknown as AnyFactory,
    // A template's own sender is enough only where the domain is given.
    credentials: { apiKey: "made-up-apiKey-of-MAILGUN", senderDomain: "mg.example.com" },
  },
  mailjet: entry("MAILJET", mailjet, "apiKey", "secretKey"),
  mailtrap: entry("MAILTRAP", mailtrap, "apiToken"),
  mandrill: entry("MANDRILL", mandrill, "apiKey"),
  postal: entry("POSTAL", postal, "apiKey"),
  postmark: entry("POSTMARK", postmark, "serverToken"),
  resend: entry("RESEND", resend, "apiKey"),
  scaleway: entry("SCALEWAY", scaleway, "secretKey", "projectId"),
  sendgrid: entry("SENDGRID", sendgrid, "apiKey"),
  sparkpost: entry("SPARKPOST", sparkpost, "apiKey"),
  "unisender-go": entry("UNISENDER_GO", unisenderGo, "apiKey"),
};
