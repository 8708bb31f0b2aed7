import { isIPv6 } from 'node:net';
import { z } from 'zod';

/** One setting: how its text is read, and how the documentation describes it. */
export interface Setting<Type extends z.ZodType = z.ZodType> {
  readonly type: Type;
  /** As docs/configuration.md shows it. */
  readonly shownDefault: string;
  /** What the setting does, as docs/configuration.md shows it. */
  readonly about: string;
  /** A secret can be read from the file that `NAME_FILE` names; a list has one entry in each line. */
  readonly fromFile?: 'one' | 'list';
}

/** Defines a setting. */
export const setting = <Type extends z.ZodType>(
  type: Type,
  shownDefault: string,
  about: string,
): Setting<Type> => ({
  type,
  shownDefault,
  about,
});

/** Defines a secret, which can also be read from a file. */
export const secretSetting = <Type extends z.ZodType>(
  fromFile: 'one' | 'list',
  ...put: Parameters<typeof setting<Type>>
): Setting<Type> => ({ ...setting(...put), fromFile });

/** `true` or `false`, in lower case. */
export const flag = z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive' });

/** A comma-separated list. */
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

/** A whole number in this range. */
export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** A decimal number in this range. */
export const fraction = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** Printable ASCII. Clients refuse to send other characters in a header. */
const HEADER_SAFE = /^[\x20-\x7e]*$/;
const NOT_HEADER_SAFE = 'must be printable ASCII in one line';
const AT_LEAST_ONE = 'must name at least one value';

/** A secret. A file or a shell often leaves a line break at its end. */
export const secret = z
  .string()
  .trim()
  .min(1, 'must not be blank')
  .regex(HEADER_SAFE, NOT_HEADER_SAFE);

/** Comma-separated secrets. */
export const secretList = list.pipe(z.array(secret).min(1, AT_LEAST_ONE));

/** The text of a URL. URL parsers drop line breaks and tabs inside it, which would change a password. */
export const urlText = z
  .string()
  .trim()
  .min(1, 'must not be blank')
  .regex(/^[^\p{Cc}\uFFFD]*$/u, 'must be one line without control characters');

/** An http or https URL. */
export const httpUrl = urlText
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without spaces')
  .pipe(z.url({ protocol: /^https?$/, error: 'must be an http or https URL' }));

/** An IP address, an IPv6 one also in brackets, or a host name. */
export const host = z
  .string()
  .trim()
  .transform((text) => /^\[(.*)\]$/.exec(text)?.[1] ?? text)
  .refine(
    (text) => isIPv6(text) || /^[\w-]+(\.[\w-]+)*\.?$/.test(text),
    'must be an IP address or a host name, without a scheme or a port',
  );

/** The flaws of a text that is not an origin as browsers send it, in the order of the checks. */
const FLAWS_OF_ORIGINS: readonly (readonly [flaw: RegExp, complaint: string])[] = [
  [/^(\*|null)$/, 'must name each origin; * and null are not accepted'],
  [/[^\x21-\x7e]/, 'must be printable ASCII, with commas between'],
  [/^(?!https?:\/\/[^/])/i, 'must begin each origin with http:// or https://'],
  [/@/, 'must not have a user name or a password'],
  [/\*/, 'must name each origin; wildcards are not accepted'],
  [/:\/\/[^/?#\\]*([?#\\]|\/.)/, 'must have origins only, without a path'],
];

function flawOfOrigin(text: string): string | undefined {
  const found = FLAWS_OF_ORIGINS.find(([flaw]) => flaw.test(text))?.[1];
  return (
    found ?? (URL.canParse(text) ? undefined : 'must have a valid host and port in each origin')
  );
}

/** An origin in the one form that a browser sends: lower case, no default port, no slash. */
const origin = z.string().transform((text, context) => {
  const flaw = flawOfOrigin(text);
  if (flaw === undefined) return new URL(text).origin;
  // A text with an @ may contain a password, so the complaint does not show it.
  context.addIssue(text.includes('@') ? flaw : `${flaw}: ${JSON.stringify(text)}`);
  return z.NEVER;
});

/** Comma-separated origins. */
export const origins = list.pipe(z.array(origin).min(1, AT_LEAST_ONE));

/** Webhook secrets as the Standard Webhooks specification writes them: base64 after a prefix. */
export const webhookSecrets = list.pipe(
  z
    .array(
      z
        .string()
        .regex(
          /^whsec_(?=.)([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
          'must be comma-separated whsec_… secrets',
        ),
    )
    .min(1, AT_LEAST_ONE),
);
