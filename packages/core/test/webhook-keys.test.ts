import { createSign, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ConfigurationError } from "../src/errors.js";
import { publicKeys, verifyByPublicKey, webhookSecrets } from "../src/webhooks/index.js";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const message = new TextEncoder().encode("a post");

const pem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
const der = rsa.publicKey.export({ type: "spki", format: "der" });
const base64 = der.toString("base64");
const jwk = { ...rsa.publicKey.export({ format: "jwk" }), use: "sig", kid: "made-up" };

const RSA_FORMS: Readonly<Record<string, string>> = {
  PEM: pem,
  "PEM with line breaks as two characters": pem.replaceAll("\n", "\\n"),
  "PEM in quotes": `"${pem.replaceAll("\n", "\\r\\n")}"`,
  "PEM on one line": pem.replaceAll("\n", " "),
  "PKCS#1": rsa.publicKey.export({ type: "pkcs1", format: "pem" }).toString(),
  base64,
  "base64 over several lines": base64.replace(/.{40}/g, "$&\n"),
  "a DKIM record": `v=DKIM1; t=s; h=sha256; p=${base64};`,
  "a DKIM record in strings": `"v=DKIM1; k=rsa; p=${base64.slice(0, 200)}" "${base64.slice(200)}"`,
  "p= alone": `p=${base64}`,
  "a JWK": JSON.stringify(jwk),
  "a JWKS with keys of other kinds": JSON.stringify({ keys: [ec.publicKey.export({ format: "jwk" }), jwk] }),
};

const EC_FORMS: Readonly<Record<string, string>> = {
  PEM: ec.publicKey.export({ type: "spki", format: "pem" }).toString(),
  base64: ec.publicKey.export({ type: "spki", format: "der" }).toString("base64"),
  "a JWKS": JSON.stringify({ keys: [ec.publicKey.export({ format: "jwk" })] }),
};

describe("publicKeys", () => {
  const signature = createSign("sha256").update(message).sign(rsa.privateKey);
  const raw = sign("sha256", message, { key: ec.privateKey, dsaEncoding: "ieee-p1363" });

  it.each(Object.entries(RSA_FORMS))("takes RSA as %s", async (_, form) => {
    const keys = publicKeys("Test", "signingKey", "RSA", form);
    expect(Buffer.from(keys[0]?.spki ?? []).equals(der)).toBe(true);
    expect(await verifyByPublicKey(keys, "SHA-256", signature, message)).toBe(true);
    expect(await verifyByPublicKey(keys, "SHA-256", signature, message.slice(1))).toBe(false);
  });

  it.each(Object.entries(EC_FORMS))("takes P-256 as %s", async (_, form) => {
    const keys = publicKeys("Test", "signingKey", "P-256", form);
    expect(await verifyByPublicKey(keys, "SHA-256", raw, message)).toBe(true);
  });

  it("takes several, of which any will do", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({
      type: "spki",
      format: "pem",
    });
    const keys = publicKeys("Test", "signingKey", "RSA", [other.toString(), pem]);
    expect(await verifyByPublicKey(keys, "SHA-256", signature, message)).toBe(true);
    expect(await verifyByPublicKey(keys, "SHA-256", undefined, message)).toBe(false);
  });

  it("refuses what is none, and names the option and which of several", () => {
    const privatePem = rsa.privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const wrong = [
      "made-up",
      "v=DKIM1; p=",
      base64.slice(0, -8),
      pem.replace("MII", "MIJ"),
      EC_FORMS["PEM"] as string,
      "{}",
      '{"keys":[]}',
      "{",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ];
    for (const key of wrong) {
      expect(() => publicKeys("Test", "signingKey", "RSA", key), key).toThrow(ConfigurationError);
      expect(() => publicKeys("Test", "signingKey", "RSA", [pem, key]), key).toThrow(
        "signingKey number 2 must",
      );
    }
    expect(() => publicKeys("Test", "signingKey", "RSA", privatePem)).toThrow("this is a private one");
    expect(() => publicKeys("Test", "signingKey", "P-256", pem)).toThrow("P-256");
    // Nothing of a key is told.
    try {
      publicKeys("Test", "signingKey", "RSA", privatePem);
    } catch (error) {
      expect(String(error)).not.toContain(privatePem.slice(40, 60));
    }
  });
});

describe("webhookSecrets", () => {
  it("takes whsec_ with and without its version, quotes and line ends", () => {
    const secret = Buffer.from("made-up secret").toString("base64");
    for (const form of [
      `whsec_${secret}`,
      `v1,whsec_${secret}`,
      secret,
      `"whsec_${secret}"`,
      ` whsec_${secret}\n`,
    ]) {
      const [key] = webhookSecrets("Test", "signingKey", form);
      expect(Buffer.from(key ?? []).toString()).toBe("made-up secret");
    }
    for (const wrong of ["whsec_", "whsec_%%%", "re_key_made-up!"]) {
      expect(() => webhookSecrets("Test", "signingKey", [secret, wrong])).toThrow("signingKey number 2 must");
    }
  });
});
