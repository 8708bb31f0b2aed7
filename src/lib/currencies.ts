/**
 * The day of the ISO 4217 list below: "List One" of the maintenance agency (SIX), which holds 178 codes.
 * Source: six-group.com, Data Standards, list-one.xml, attribute `Pblshd`.
 * It is kept here because the packages that carry the list were last updated in 2024.
 */
export const CURRENCIES_TAKEN = '2026-09-17';

/** Currencies of payments, by their number of decimal digits. */
const PAYABLE = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF',
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF
    CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG
    HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR
    SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED
    VES WST XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
} as const;

/** Codes of the list that no payment can have: funds and units of account, metals, tests, "no currency". */
export const NOT_PAYABLE =
  `BOV CHE CHW CLF COU MXV USN UYI UYW XAD XAG XAU XBA XBB XBC XBD XDR XPD XPT
  XSU XTS XUA XXX`.split(/\s+/);

/**
 * Codes that an earlier list, or an earlier version of this one, accepted. Prices and totals stored in
 * them keep their decimals; a new product cannot have them.
 */
const FORMER = { 0: 'UYI', 2: 'ANG BGN CUC BOV CHE CHW COU MXV USN', 4: 'CLF UYW' } as const;

const digitsByCode = (codes: Readonly<Record<number, string>>): ReadonlyMap<string, number> =>
  new Map(
    Object.entries(codes).flatMap(([digits, text]) =>
      text.split(/\s+/).map((code) => [code, Number(digits)] as const),
    ),
  );

/** Digits of each currency that a new product may have. */
export const PAYABLE_DIGITS = digitsByCode(PAYABLE);

/** Digits of each currency that only rows of earlier versions may have. */
export const FORMER_DIGITS = digitsByCode(FORMER);
