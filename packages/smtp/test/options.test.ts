import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { ConfigurationError } from "@posthorn/core";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type SmtpOptions, smtp } from "../src/index.js";
import { isLoopbackHost, smtpSecrets, smtpSettings } from "../src/options.js";

const auth = { user: "ada", pass: "made-up-password" };

afterEach(() => vi.unstubAllEnvs());

describe("where and how to connect", () => {
  it.each([
    [{ host: "smtp.example.com" }, { port: 587, tls: "required" }],
    [
      { host: "smtp.example.com", port: 465 },
      { port: 465, tls: "implicit" },
    ],
    [
      { host: "smtp.example.com", port: 25 },
      { port: 25, tls: "required" },
    ],
    [
      { host: "smtp.example.com", tls: "implicit" },
      { port: 465, tls: "implicit" },
    ],
    [
      { host: "localhost", port: 1025 },
      { port: 1025, tls: "optional" },
    ],
    [
      { host: "localhost", tls: "required" },
      { port: 587, tls: "required" },
    ],
    [{ url: "smtps://smtp.example.com" }, { host: "smtp.example.com", port: 465, tls: "implicit" }],
    [{ url: "smtp://[::1]:2525" }, { host: "::1", port: 2525, tls: "optional" }],
    [{ url: "smtp://smtp.example.com:465/" }, { port: 465, tls: "implicit" }],
    [{ service: "gmail" }, { host: "smtp.gmail.com", port: 465, tls: "implicit" }],
    [
      { host: "mailpit", port: 1025, tls: "none" },
      { port: 1025, tls: "none" },
    ],
  ] as const)("%j", (options, expected) => {
    expect(smtpSettings(options as SmtpOptions)).toMatchObject(expected);
  });

  it("decodes the user and the password of a URL", () => {
    const { auth: read } = smtpSettings({ url: "smtp://ada%40example.com:p%3Aa%2Fss@smtp.example.com" });
    expect(read).toEqual({ user: "ada@example.com", pass: "p:a/ss" });
  });

  it("reads the environment, but mixes no URL of the environment with a host in code", () => {
    vi.stubEnv("SMTP_URL", "smtps://ada:made-up-password@smtp.example.com");
    expect(smtpSettings({})).toMatchObject({ host: "smtp.example.com", tls: "implicit", auth });
    expect(smtpSettings({ host: "other.example.com" })).toMatchObject({
      host: "other.example.com",
      auth: undefined,
    });
    vi.unstubAllEnvs();
    vi.stubEnv("SMTP_HOST", "smtp.example.com");
    vi.stubEnv("SMTP_PORT", "2525");
    vi.stubEnv("SMTP_USER", "ada");
    vi.stubEnv("SMTP_PASS", "made-up-password");
    expect(smtpSettings({})).toMatchObject({ host: "smtp.example.com", port: 2525, auth });
    vi.stubEnv("SMTP_PASS", "");
    expect(() => smtpSettings({})).toThrow("SMTP_USER and SMTP_PASS must both be set");
  });

  it("knows this machine", () => {
    for (const host of ["localhost", "app.localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
      expect(isLoopbackHost(host), host).toBe(true);
    for (const host of ["localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "notlocalhost"])
      expect(isLoopbackHost(host), host).toBe(false);
  });
});

describe("options that are refused, by name", () => {
  it.each<[string, object, RegExp]>([
    ["no server", {}, /"host" .* is required: pass it or set SMTP_HOST/],
    ["two servers", { host: "a.example", url: "smtp://b.example" }, /exclude each other/],
    ["an HTTP option", { host: "a.example", fetch: () => {} }, /unknown option "fetch"/],
    ["a misspelt option", { hosst: "a.example" }, /"hosst".*"host"/],
    [
      "a password in the clear",
      { host: "smtp.example.com", tls: "none", auth },
      /"tls" must be "required" or "implicit"/,
    ],
    ["a strippable STARTTLS", { host: "smtp.example.com", tls: "optional", auth }, /in the clear/],
    ["STARTTLS on smtps", { url: "smtps://smtp.example.com", tls: "required" }, /must be "implicit"/],
    ["an unknown tls", { host: "a.example", tls: "yes" }, /"tls"/],
    ["a query in the URL", { url: "smtp://a.example?tls.rejectUnauthorized=false" }, /must be like smtp:/],
    ["another scheme", { url: "http://a.example" }, /must be like smtp:/],
    ["a user without a password", { url: "smtp://ada@a.example" }, /without a password/],
    ["a bad host", { host: "a.example\r\nX" }, /"host" must not have/],
    ["an unknown service", { service: "nobody-knows-it" }, /Nodemailer knows/],
    [
      "auth without a way",
      { host: "a.example", auth: { user: "ada" } },
      /one of "pass", "accessToken" and "oauth2"/,
    ],
    ["auth with two", { host: "a.example", auth: { ...auth, accessToken: "t" } }, /one of "pass"/],
    ["auth without a user", { host: "a.example", auth: { pass: "p" } }, /"auth.user" is required/],
    ["a password with a line break", { host: "a.example", auth: { user: "ada", pass: "p\n" } }, /line break/],
    [
      "an unknown auth option",
      { host: "a.example", auth: { ...auth, accessUrl: "https://evil.example" } },
      /"auth.accessUrl"/,
    ],
    [
      "half of OAuth2",
      { host: "a.example", auth: { user: "ada", oauth2: { clientId: "c" } } },
      /"auth.oauth2.clientSecret" is required/,
    ],
    ["a port", { host: "a.example", port: 70_000 }, /"port"/],
    ["a pool", { host: "a.example", pool: { connections: 0 } }, /"pool.connections" must be/],
    ["an unknown pool option", { host: "a.example", pool: { maxConnections: 3 } }, /"pool.maxConnections"/],
    ["recipients", { host: "a.example", maxRecipients: 0 }, /"maxRecipients"/],
    ["a DSN", { host: "a.example", dsn: { notify: ["sometimes"] } }, /"dsn.notify"/],
    ["a DSN of never and more", { host: "a.example", dsn: { notify: ["never", "delay"] } }, /"never" alone/],
    ["a proxy", { host: "a.example", proxy: "ftp://p.example" }, /"proxy"/],
    ["a timeout", { host: "a.example", timeout: 0 }, /"timeout"/],
  ])("%s", (_, options, words) => {
    const create = (): unknown => smtp(options as SmtpOptions);
    expect(create).toThrow(ConfigurationError);
    expect(create).toThrow(words);
  });
});

describe("DKIM keys", () => {
  const dkim = { domain: "example.com", selector: "s1" };
  const pem = (key: ReturnType<typeof generateKeyPairSync>["privateKey"]): string =>
    (key as { export(options: object): string | Buffer }).export({ type: "pkcs8", format: "pem" }).toString();

  it("refuses Ed25519, with which Nodemailer would send unsigned without an error", () => {
    const privateKey = pem(generateKeyPairSync("ed25519").privateKey as never);
    const create = (): unknown => smtp({ host: "a.example", dkim: { ...dkim, privateKey } });
    expect(create).toThrow(/must be an RSA key, not ed25519/);
  });

  it("refuses an elliptic curve, a short key, a public key and what is no key, without quoting it", () => {
    const curve = pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey as never);
    const short = pem(generateKeyPairSync("rsa", { modulusLength: 512 }).privateKey as never);
    expect(() => smtp({ host: "a.example", dkim: { ...dkim, privateKey: curve } })).toThrow(/not ec/);
    expect(() => smtp({ host: "a.example", dkim: { ...dkim, privateKey: short } })).toThrow(/1024 bits/);
    const broken = "-----BEGIN PRIVATE KEY-----\nmade-up-secret\n-----END PRIVATE KEY-----";
    expect(() => smtp({ host: "a.example", dkim: { ...dkim, privateKey: broken } })).toThrow(
      /^(?!.*made-up-secret).*private key in PEM/,
    );
  });
});

describe("secrets", () => {
  it("are known in every form in which they are sent, and show nowhere", () => {
    const options = { url: "smtp://ada:made%2Dup%2Fpassword@smtp.example.com" };
    const secrets = smtpSecrets(smtpSettings(options));
    for (const form of [
      "made-up/password",
      "made%2Dup%2Fpassword",
      btoa("made-up/password"),
      btoa("\0ada\0made-up/password"),
    ])
      expect(secrets).toContain(form);
  });

  it("are no properties that a dump shows", () => {
    const backend = smtp({ host: "smtp.example.com", auth });
    expect(inspect(backend, { depth: 12 }) + JSON.stringify(backend)).not.toContain("made-up-password");
  });
});
