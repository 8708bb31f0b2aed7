import { z } from 'zod';

/** One setting: how its text is read, and what the README says of it. */
export interface Setting<Type extends z.ZodType = z.ZodType> {
  readonly type: Type;
  /** As the README's table shows it. */
  readonly shownDefault: string;
  /** Why it is there, in a few words. */
  readonly about: string;
}

/** Puts a setting down: how it is read, its default as shown, what it is for. */
export const setting = <Type extends z.ZodType>(
  type: Type,
  shownDefault: string,
  about: string,
): Setting<Type> => ({
  type,
  shownDefault,
  about,
});

/** true or false, spelled so. */
export const flag = z.stringbool({ truthy: ['true'], falsy: ['false'], case: 'sensitive' });

/** Words with commas between them. */
export const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean),
);

/** A whole number of this range. */
export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

/** A number of this range that may have decimals. */
export const fraction = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'must be a number')
    .transform(Number)
    .pipe(z.number().min(min).max(max));

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
    .min(1),
);
