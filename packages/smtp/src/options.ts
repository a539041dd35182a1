import { createPrivateKey } from "node:crypto";
import wellKnown from "nodemailer/lib/well-known";
import {
  ConfigurationError,
  type MailBackendOptions,
  type OptionSpecs,
  readEnv,
  refuseHttpOptions,
  resolveOptions,
} from "./core.js";
import type { SmtpFeatures } from "./mime.js";

/** How a connection is encrypted. */
export type SmtpTls = "required" | "implicit" | "optional" | "none";

/** A user with a password. */
export interface SmtpPassword {
  readonly user: string;
  readonly pass: string;
  /** The mechanism. @default the first of PLAIN, LOGIN, CRAM-MD5 that the server offers */
  readonly method?: "PLAIN" | "LOGIN" | "CRAM-MD5" | undefined;
}

/** OAuth2 by a refresh token. The access token is fetched and renewed from `accessUrl`. */
export interface SmtpRefreshToken {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  /** The token endpoint. @default Google's */
  readonly accessUrl?: string | undefined;
}

/** OAuth2 by a Google service account. */
export interface SmtpServiceAccount {
  readonly serviceClient: string;
  /** PEM. */
  readonly privateKey: string;
  readonly accessUrl?: string | undefined;
}

/** A user with OAuth2 (XOAUTH2), which Gmail and Microsoft 365 want. */
export interface SmtpOAuth2 {
  readonly user: string;
  /** An access token, or a function that gives one. It is called again when the server refuses the token. */
  readonly accessToken?: string | (() => string | Promise<string>) | undefined;
  readonly oauth2?: SmtpRefreshToken | SmtpServiceAccount | undefined;
}

/** Signing by DKIM (RFC 6376). Keys are RSA: Ed25519 (RFC 8463) is not supported. */
export interface SmtpDkim {
  /** The signing domain (`d=`). */
  readonly domain: string;
  /** The selector (`s=`): the key is published at `selector._domainkey.domain`. */
  readonly selector: string;
  /** PEM, or PEM with its passphrase. RSA of 1024 bits or more (RFC 8301). */
  readonly privateKey: string | { readonly key: string; readonly passphrase: string };
  /** Headers to leave out of the signature. @default none */
  readonly skipHeaders?: readonly string[] | undefined;
}

/** Delivery status notifications (RFC 3461), for servers that offer DSN. ENVID is the Message-ID. */
export interface SmtpDsn {
  /** When to notify. `never` stands alone. */
  readonly notify: readonly ("success" | "failure" | "delay" | "never")[];
  /** How much of the message to return. @default the server's choice */
  readonly return?: "headers" | "full" | undefined;
}

/** Connections that are kept. */
export interface SmtpPool {
  /** Connections at most. @default 5 */
  readonly connections?: number | undefined;
  /** Messages for one connection. @default 100 */
  readonly messages?: number | undefined;
  /** Milliseconds after which an unused connection is closed. @default 60_000 */
  readonly idleTimeout?: number | undefined;
}

/** TLS details (of Node's `tls.connect`). */
export interface SmtpTlsOptions {
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca?: string | readonly string[] | undefined;
  /** The client's certificate and key, PEM. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name that the certificate must be for. @default the host */
  readonly servername?: string | undefined;
  /** @default "TLSv1.2" */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3" | undefined;
  /** `false` trusts any certificate, and with it anyone on the way. Give `ca` instead. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Options of {@link SmtpBackend}. */
export interface SmtpOptions extends MailBackendOptions<SmtpFeatures> {
  /** `smtp://` or `smtps://`, with `user:password@`, host and port. Environment: `SMTP_URL`. */
  readonly url?: string | undefined;
  /** Environment: `SMTP_HOST`. */
  readonly host?: string | undefined;
  /** Environment: `SMTP_PORT`. @default 465 for `tls: "implicit"`, otherwise 587 */
  readonly port?: number | undefined;
  /** A service whose host and port Nodemailer knows, such as `"gmail"` or `"outlook365"`. Environment: `SMTP_SERVICE`. */
  readonly service?: string | undefined;
  /** Environment: `SMTP_USER`, `SMTP_PASS`. @default no authentication */
  readonly auth?: SmtpPassword | SmtpOAuth2 | undefined;
  /**
   * - `implicit`: TLS from the start.
   * - `required`: STARTTLS, and no message without it.
   * - `optional`: STARTTLS where the server offers it. An attacker on the way can prevent it.
   * - `none`: no TLS.
   *
   * With `auth`, `optional` and `none` are for loopback alone. Environment: `SMTP_TLS`.
   *
   * @default `implicit` for `smtps://` and port 465, `optional` for loopback, otherwise `required`
   */
  readonly tls?: SmtpTls | undefined;
  readonly tlsOptions?: SmtpTlsOptions | undefined;
  /** Keeps connections open between messages; close them by `close()`. @default false */
  readonly pool?: boolean | SmtpPool | undefined;
  readonly dkim?: SmtpDkim | undefined;
  readonly dsn?: SmtpDsn | undefined;
  /** A proxy: `http://` (CONNECT), with `user:password@` where it wants them. @default none */
  readonly proxy?: string | undefined;
  /** The name that the client gives in EHLO. @default the machine's */
  readonly name?: string | undefined;
  /** The address to connect from. */
  readonly localAddress?: string | undefined;
  /** Milliseconds for DNS, connecting, the greeting and STARTTLS. @default 10_000 */
  readonly connectTimeout?: number | undefined;
  /** Milliseconds without a byte from the server. @default 30_000 */
  readonly socketTimeout?: number | undefined;
  /** Recipients of one transaction; a message with more goes in several. RFC 5321 has servers take 100. @default 100 */
  readonly maxRecipients?: number | undefined;
}

/** Checked DKIM options. */
export interface DkimSettings {
  readonly domain: string;
  readonly selector: string;
  readonly privateKey: string;
  readonly skipHeaders: readonly string[] | undefined;
}

/** What options come down to. */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: SmtpTls;
  /** Whether the server is on this machine. */
  readonly isLoopback: boolean;
  readonly auth: SmtpPassword | SmtpOAuth2 | undefined;
  readonly dkim: DkimSettings | undefined;
  readonly options: SmtpOptions;
}

const PROVIDER = "SMTP";
const SPECS: OptionSpecs = {
  url: { secret: true, env: false },
  host: { env: false },
  port: { type: "number", env: false },
  service: { env: false },
  auth: { type: "object", env: false },
  tls: { values: ["required", "implicit", "optional", "none"] },
  tlsOptions: { type: "object", env: false },
  dkim: { type: "object", env: false },
  dsn: { type: "object", env: false },
  proxy: { secret: true, env: false },
  name: { env: false },
  localAddress: { env: false },
  connectTimeout: { type: "number", env: false },
  socketTimeout: { type: "number", env: false },
  maxRecipients: { type: "number", env: false },
};

/**
 * Checks options, adds what the environment has, and settles where and how to connect.
 *
 * @throws ConfigurationError naming the option and what to do
 */
export function smtpSettings(given: SmtpOptions): SmtpSettings {
  refuseHttpOptions(PROVIDER, given);
  const { pool, ...others } = given;
  const options: SmtpOptions = { ...resolveOptions(PROVIDER, "SMTP", SPECS, others), pool };
  checkKeys("auth", options.auth, ["user", "pass", "method", "accessToken", "oauth2"]);
  checkKeys("tlsOptions", options.tlsOptions, [
    "ca",
    "cert",
    "key",
    "servername",
    "minVersion",
    "rejectUnauthorized",
  ]);
  const place = serverOf(options);
  const isLoopback = isLoopbackHost(place.host);
  const tls = options.tls ?? (place.secure ? "implicit" : isLoopback ? "optional" : "required");
  if (place.secure === true && tls !== "implicit")
    throw fail(`option "tls" must be "implicit" for ${place.source}, not "${tls}"`);
  const auth = options.auth ?? place.auth;
  checkAuth(auth);
  if (auth && !isLoopback && (tls === "none" || tls === "optional"))
    throw fail(
      `option "tls" must be "required" or "implicit" with "auth": "${tls}" can send the password in the clear`,
    );
  for (const name of ["port", "connectTimeout", "socketTimeout", "maxRecipients"] as const)
    checkCount(name, options[name]);
  checkPool(pool);
  checkDsn(options.dsn);
  checkProxy(options.proxy);
  const port = place.port ?? (tls === "implicit" ? 465 : 587);
  if (port > 65_535) throw fail('option "port" must be 65535 or less');
  return { host: place.host, port, tls, isLoopback, auth, dkim: dkimSettings(options.dkim), options };
}

/** Every credential, to be kept out of errors and logs. */
export function smtpSecrets({ auth, dkim, options }: SmtpSettings): readonly string[] {
  const secrets: (string | undefined)[] = [];
  if (auth && "pass" in auth) secrets.push(auth.pass);
  if (auth && "accessToken" in auth && typeof auth.accessToken === "string") secrets.push(auth.accessToken);
  if (auth && "oauth2" in auth && auth.oauth2) {
    const { clientSecret, refreshToken, privateKey } = auth.oauth2 as Partial<
      SmtpRefreshToken & SmtpServiceAccount
    >;
    secrets.push(clientSecret, refreshToken, privateKey);
  }
  secrets.push(
    dkim?.privateKey,
    options.tlsOptions?.key,
    ...urlSecrets(options.url),
    ...urlSecrets(options.proxy),
  );
  const known = secrets.filter((secret): secret is string => Boolean(secret));
  // AUTH sends them in base64, alone (LOGIN) or with the user's name (PLAIN).
  const user = auth?.user ?? "";
  return known.flatMap((secret) => [
    secret,
    Buffer.from(secret).toString("base64"),
    Buffer.from(`\0${user}\0${secret}`).toString("base64"),
    Buffer.from(`user=${user}\u0001auth=Bearer ${secret}\u0001\u0001`).toString("base64"),
  ]);
}

/** Whether a host is this machine. */
export function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|[a-z0-9.-]+\.localhost|127(?:\.\d{1,3}){3}|::1|\[::1\]|::ffff:127(?:\.\d{1,3}){3})\.?$/i.test(
    host,
  );
}

interface Place {
  readonly host: string;
  readonly port: number | undefined;
  readonly secure: boolean | undefined;
  readonly auth: SmtpPassword | undefined;
  /** What said so, for errors. */
  readonly source: string;
}

function serverOf(options: SmtpOptions): Place {
  const { url, host, service } = options;
  const chosen = [url, host, service].filter((value) => value !== undefined);
  if (chosen.length > 1)
    throw fail('options "url", "host" and "service" exclude each other: pass one of them');
  // What is given in code wins over the whole environment: a host of one and a password of the other do not belong together.
  if (chosen.length === 0) {
    const name = ["SMTP_URL", "SMTP_HOST", "SMTP_SERVICE"].find(
      (variable) => readEnv(variable) !== undefined,
    );
    if (name === undefined)
      throw fail('option "host" (or "url" or "service") is required: pass it or set SMTP_HOST or SMTP_URL');
    return place(name, readEnv(name) ?? "", options.port ?? envPort(), envAuth());
  }
  const source = url !== undefined ? "url" : host !== undefined ? "host" : "service";
  return place(source, chosen[0] ?? "", options.port, options.auth ? undefined : envAuth());
}

function place(
  source: string,
  value: string,
  port: number | undefined,
  auth: SmtpPassword | undefined,
): Place {
  if (/url$/i.test(source)) return placeOfUrl(source, value, port, auth);
  if (/host$/i.test(source)) {
    if (!/^[a-z0-9._:[\]-]+$/i.test(value)) throw fail(`"${source}" must be a host name or an IP address`);
    const secure = port === 465 ? true : undefined;
    return { host: value.replace(/^\[(.*)\]$/, "$1"), port, secure, auth, source: "port 465" };
  }
  const known = wellKnown(value);
  const { host } = known || {};
  if (!known || host === undefined)
    throw fail(`"${source}" must be a service that Nodemailer knows, not "${value}"`);
  const wellKnownPort = Number(known.port) || undefined;
  const secure = known.secure || wellKnownPort === 465 ? true : undefined;
  return { host, port: port ?? wellKnownPort, secure, auth, source: `the service "${value}"` };
}

function placeOfUrl(
  source: string,
  value: string,
  port: number | undefined,
  auth: SmtpPassword | undefined,
): Place {
  const form = `"${source}" must be like smtp://user:password@smtp.example.com:587, special characters percent-encoded`;
  if (!/^smtps?:\/\//i.test(value) || !URL.canParse(value)) throw fail(form);
  const url = new URL(value);
  const host = decode(url.hostname, form).replace(/^\[(.*)\]$/, "$1");
  if (host === "" || url.search !== "" || url.hash !== "" || !/^\/?$/.test(url.pathname)) throw fail(form);
  const own =
    url.username === "" ? undefined : { user: decode(url.username, form), pass: decode(url.password, form) };
  if (own && own.pass === "") throw fail(`"${source}" has a user without a password`);
  const ownPort = url.port === "" ? port : Number(url.port);
  const secure = url.protocol.toLowerCase() === "smtps:" || ownPort === 465 ? true : undefined;
  return {
    host,
    port: ownPort,
    secure,
    auth: own ?? auth,
    source: secure ? "smtps:// and port 465" : source,
  };
}

function decode(text: string, form: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fail(form);
  }
}

function envPort(): number | undefined {
  const text = readEnv("SMTP_PORT");
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text)) throw fail("SMTP_PORT must be a number");
  return Number(text);
}

function envAuth(): SmtpPassword | undefined {
  const user = readEnv("SMTP_USER");
  const pass = readEnv("SMTP_PASS");
  if (user === undefined && pass === undefined) return undefined;
  if (user === undefined || pass === undefined)
    throw fail("SMTP_USER and SMTP_PASS must both be set, or neither");
  return { user, pass };
}

function checkAuth(auth: SmtpPassword | SmtpOAuth2 | undefined): void {
  if (!auth) return;
  if (typeof auth.user !== "string" || auth.user === "")
    throw fail('option "auth.user" is required: pass it or set SMTP_USER');
  const { pass, accessToken, oauth2 } = auth as Partial<SmtpPassword & SmtpOAuth2>;
  const ways = [pass, accessToken, oauth2].filter((way) => way !== undefined);
  if (ways.length !== 1) throw fail('option "auth" must have one of "pass", "accessToken" and "oauth2"');
  if (pass !== undefined && (typeof pass !== "string" || pass === ""))
    throw fail('option "auth.pass" must be a string');
  // NUL ends a part of AUTH PLAIN (RFC 4616).
  if ([auth.user, pass].some((text) => typeof text === "string" && /[\0\r\n]/.test(text)))
    throw fail('option "auth" must not hold a line break');
  if (accessToken !== undefined && typeof accessToken !== "function" && typeof accessToken !== "string")
    throw fail('option "auth.accessToken" must be a string or a function');
  if (!oauth2) return;
  const needed =
    "serviceClient" in oauth2
      ? ["serviceClient", "privateKey"]
      : ["clientId", "clientSecret", "refreshToken"];
  checkKeys("auth.oauth2", oauth2, [...needed, "accessUrl"]);
  for (const name of needed) {
    const value: unknown = (oauth2 as unknown as Record<string, unknown>)[name];
    if (typeof value !== "string" || value === "")
      throw fail(`option "auth.oauth2.${name}" is required: pass it`);
  }
}

function checkPool(pool: SmtpOptions["pool"]): void {
  if (pool === undefined || typeof pool === "boolean") return;
  if (typeof pool !== "object" || pool === null)
    throw fail('option "pool" must be true, false or { connections, messages, idleTimeout }');
  checkKeys("pool", pool, ["connections", "messages", "idleTimeout"]);
  for (const [name, value] of Object.entries(pool)) checkCount(`pool.${name}`, value as number | undefined);
}

function checkCount(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value > 0)) return;
  throw fail(`option "${name}" must be a whole number above 0`);
}

function checkDsn(dsn: SmtpDsn | undefined): void {
  if (!dsn) return;
  checkKeys("dsn", dsn, ["notify", "return"]);
  const known = ["success", "failure", "delay", "never"];
  const { notify } = dsn;
  if (!Array.isArray(notify) || notify.length === 0 || !notify.every((when) => known.includes(String(when))))
    throw fail(`option "dsn.notify" must be a list. Valid options: ${known.join(", ")}`);
  if (notify.length > 1 && notify.includes("never"))
    throw fail('option "dsn.notify" must be "never" alone, or without it');
  if (dsn.return !== undefined && !["headers", "full"].includes(dsn.return))
    throw fail('option "dsn.return" must be "headers" or "full"');
}

function checkProxy(proxy: string | undefined): void {
  if (proxy === undefined || (URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol))) return;
  throw fail('option "proxy" must be an http:// or https:// URL');
}

function dkimSettings(dkim: SmtpDkim | undefined): DkimSettings | undefined {
  if (!dkim) return undefined;
  checkKeys("dkim", dkim, ["domain", "selector", "privateKey", "skipHeaders"]);
  for (const name of ["domain", "selector"] as const) {
    const value: unknown = dkim[name];
    if (typeof value !== "string" || !/^[a-z0-9_.-]+$/i.test(value))
      throw fail(`option "dkim.${name}" must be a host name`);
  }
  const given = dkim.privateKey;
  const { key, passphrase } =
    typeof given === "string" ? { key: given, passphrase: undefined } : (given ?? {});
  if (typeof key !== "string") throw fail('option "dkim.privateKey" is required: pass an RSA key in PEM');
  const privateKey = readKey(key, passphrase);
  // Nodemailer writes `a=rsa-` whatever the key is, and sends the message unsigned when that fails.
  if (privateKey.asymmetricKeyType !== "rsa")
    throw fail(
      `option "dkim.privateKey" must be an RSA key, not ${privateKey.asymmetricKeyType}: others make no signature`,
    );
  const bits = privateKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < 1024)
    throw fail('option "dkim.privateKey" must have 1024 bits or more (RFC 8301)');
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { domain: dkim.domain, selector: dkim.selector, privateKey: pem, skipHeaders: dkim.skipHeaders };
}

function readKey(key: string, passphrase: string | undefined): ReturnType<typeof createPrivateKey> {
  try {
    return createPrivateKey(passphrase === undefined ? key : { key, passphrase });
  } catch {
    // The runtime's error may quote the key.
    throw fail('option "dkim.privateKey" must be a private key in PEM, and its passphrase the right one');
  }
}

function checkKeys(name: string, value: object | undefined, known: readonly string[]): void {
  for (const key of Object.keys(value ?? {})) {
    if (!known.includes(key))
      throw fail(`unknown option "${name}.${key}". Valid options: ${known.join(", ")}`);
  }
}

function urlSecrets(url: string | undefined): readonly string[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { password } = new URL(url);
  if (password === "") return [];
  try {
    return [password, decodeURIComponent(password)];
  } catch {
    return [password];
  }
}

function fail(why: string): ConfigurationError {
  return new ConfigurationError(`${PROVIDER}: ${why}`, { provider: PROVIDER });
}
