import { describe, expect, it } from "vitest";
import { hashBody, scriptHashes } from "../src/hashes.js";
import { signRequest, webHashes } from "../src/sigv4.js";

// The principal, scope and signatures of AWS's published Signature Version 4 test suite.
const credentials = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
};
const EMPTY = await hashBody("");
const scope = { region: "us-east-1", service: "service", now: Date.UTC(2015, 7, 30, 12, 36, 0) };

describe.each([
  ["JavaScript", scriptHashes],
  ["Web Cryptography", webHashes],
])("AWS's published values, by %s", (_, hashes) => {
  it.each([
    ["get-vanilla", "GET", "/", {}, "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"],
    ["post-vanilla", "POST", "/", {}, "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"],
    [
      "get-vanilla-query-order-key-case",
      "GET",
      "/?Param2=value2&Param1=value1",
      {},
      "",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    [
      "post-x-www-form-urlencoded",
      "POST",
      "/",
      { "content-type": "application/x-www-form-urlencoded" },
      "Param1=value1",
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ],
  ])("%s", async (_, method, path, headers, body, signature) => {
    const signed = await signRequest(
      { method, url: `https://example.amazonaws.com${path}`, headers, bodyHash: await hashBody(body) },
      credentials,
      scope,
      hashes,
    );
    expect(signed["authorization"]).toContain(`Signature=${signature}`);
    expect(signed["authorization"]).toContain(
      "Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request",
    );
    expect(signed["x-amz-date"]).toBe("20150830T123600Z");
  });

  it("signs a session token", async () => {
    const signed = await signRequest(
      { method: "GET", url: "https://example.amazonaws.com/", headers: {}, bodyHash: EMPTY },
      { ...credentials, sessionToken: "made-up-token" },
      scope,
      hashes,
    );
    expect(signed["x-amz-security-token"]).toBe("made-up-token");
    expect(signed["authorization"]).toContain("SignedHeaders=host;x-amz-date;x-amz-security-token");
  });

  it("keeps the keys of secrets, days and regions apart", async () => {
    const sign = (secretAccessKey: string, region: string, now: number) =>
      signRequest(
        { method: "GET", url: "https://example.amazonaws.com/", headers: {}, bodyHash: EMPTY },
        { ...credentials, secretAccessKey },
        { region, service: "ses", now },
        hashes,
      ).then(({ authorization }) => authorization?.split("Signature=")[1]);
    const scopes: readonly (readonly [secret: string, region: string, now: number])[] = [
      ["made-up-secret", "eu-west-1", 0],
      ["another-secret", "eu-west-1", 0],
      ["made-up-secret", "us-east-1", 0],
      ["made-up-secret", "eu-west-1", 86_400_000],
    ];
    const first = await Promise.all(scopes.map((scope) => sign(...scope)));
    expect(new Set(first).size).toBe(4);
    expect(await Promise.all(scopes.map((scope) => sign(...scope)))).toEqual(first);
  });
});
