import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

/** What a made-up certificate is to be. */
export interface FakeCertificateOptions {
  /** Default: the fake's own root. */
  readonly issuer?: FakeSigner | undefined;
  readonly commonName?: string | undefined;
  /** DNS names. Default: none, so that the common name counts. */
  readonly hosts?: readonly string[] | undefined;
  readonly isAuthority?: boolean | undefined;
  readonly notBefore?: Date | undefined;
  readonly notAfter?: Date | undefined;
  /** Where it says that its issuer's certificate is. */
  readonly issuerUrl?: string | undefined;
}

/** A certificate with its private key. */
export interface FakeSigner {
  readonly pem: string;
  /** SubjectPublicKeyInfo, base64. */
  readonly publicKey: string;
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

/** How certificates are signed. */
export const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  modulusLength: 2048,
  publicExponent: Uint8Array.of(1, 0, 1),
};

/** Makes a certificate; one without issuer signs itself. */
export async function fakeCertificate(options: FakeCertificateOptions = {}): Promise<FakeSigner> {
  const keys = await webcrypto.subtle.generateKey(RSA, true, ["sign", "verify"]);
  const { issuer, commonName = "made-up", hosts = [], issuerUrl } = options;
  const subject = `CN=${commonName}`;
  const certificate = await x509.X509CertificateGenerator.create(
    {
      subject,
      issuer: issuer?.certificate.subject ?? subject,
      notBefore: options.notBefore ?? new Date("2026-01-01T00:00:00Z"),
      notAfter: options.notAfter ?? new Date("2028-01-01T00:00:00Z"),
      publicKey: keys.publicKey,
      signingKey: issuer?.privateKey ?? keys.privateKey,
      signingAlgorithm: RSA,
      extensions: [
        new x509.BasicConstraintsExtension(options.isAuthority ?? issuer === undefined, undefined, true),
        ...(hosts.length > 0
          ? [
              new x509.SubjectAlternativeNameExtension(
                hosts.map((value) => ({ type: "dns" as const, value })),
              ),
            ]
          : []),
        ...(issuerUrl ? [new x509.AuthorityInfoAccessExtension({ caIssuers: issuerUrl })] : []),
      ],
    },
    webcrypto as Crypto,
  );
  return {
    pem: certificate.toString("pem"),
    publicKey: Buffer.from(certificate.publicKey.rawData).toString("base64"),
    certificate,
    privateKey: keys.privateKey,
  };
}
